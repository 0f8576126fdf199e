"""An environment for each peer, in a cache directory, with exactly these versions."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "offload-bench"

WEB = ("fastapi==0.165.0", "uvicorn[standard]==0.54.0")
"""The requirements of every peer's thin HTTP app."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A peer's own environment, made or not."""

    name: str
    packages: tuple[str, ...]
    cache: Path = CACHE

    @property
    def python(self) -> Path:
        return self.cache / self.name / "bin" / "python"

    @property
    def made(self) -> bool:
        """True where all of these versions are installed, not earlier ones."""
        return self._note.exists() and self._note.read_text().split() == self._wanted

    def make(self) -> None:
        """Makes it, or brings it up to these versions. Raises `subprocess.CalledProcessError`."""
        self._note.unlink(missing_ok=True)
        subprocess.run([sys.executable, "-m", "venv", self.cache / self.name], check=True)
        subprocess.run([self.python, "-m", "pip", "install", "--quiet", *self._wanted], check=True)
        self._note.write_text("\n".join(self._wanted))

    @property
    def _wanted(self) -> list[str]:
        return [*self.packages, *WEB]

    @property
    def _note(self) -> Path:
        return self.cache / self.name / "installed.txt"
