"""The task `fibonacci`: F(n), or F(n) modulo a number, by GMP or by the textbook's double recursion.

The functions that compute import gmpy2. This takes 35 ms, and the server, which only estimates costs, does not need it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from offload.errors import TooExpensiveError

if TYPE_CHECKING:
    from gmpy2 import mpz

MODULAR_N_LIMIT = 2**64
MODULUS_BITS_LIMIT = 4096
"""Enough for any practical modulus. It limits the cost of a step to about 10 µs."""

_GOLDEN = (1 + 5**0.5) / 2


class Fibonacci(BaseModel):
    """Which Fibonacci number, and how."""

    model_config = ConfigDict(extra="forbid")

    n: Annotated[int, Field(ge=0, description="Which number: F(0) = 0, F(1) = 1.", examples=[1000])]
    algorithm: Annotated[
        Literal["fast", "recursive"],
        Field(description="`recursive` is the textbook's double recursion: exponential, good for burning CPU."),
    ] = "fast"
    modulus: Annotated[int, Field(ge=2)] | None = Field(
        default=None, description="Gives F(n) modulo this; with `fast`, n may then be any number below 2⁶⁴."
    )
    format: Annotated[Literal["decimal", "hex"], Field(description="How `value` is written.")] = "decimal"


class FibonacciResult(BaseModel):
    """A Fibonacci number."""

    n: int
    value: str = Field(description="Always text: JSON numbers over 2⁵³ are rounded by many readers. Hex has no 0x.")
    digits: int = Field(description="How many digits `value` has.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FibonacciLimits:
    """How large n may be without a modulus, and for the recursion."""

    max_n: int
    max_recursive_n: int

    def cost(self, params: Fibonacci) -> float:
        """Return the CPU seconds, measured on one 2026 server core; about a factor of two off on others.

        Raise `TooExpensiveError`, which names the limit and what to do instead.
        """
        if params.modulus is not None and params.modulus.bit_length() > MODULUS_BITS_LIMIT:
            raise TooExpensiveError(f"A modulus has at most {MODULUS_BITS_LIMIT} bits. Use a smaller one.")
        if params.algorithm == "recursive":
            if params.n > self.max_recursive_n:
                raise TooExpensiveError(
                    f"With algorithm recursive, n is at most {self.max_recursive_n}. Use algorithm fast."
                )
            return float(4.4e-8 * _GOLDEN**params.n)
        if params.modulus is None:
            if params.n > self.max_n:
                raise TooExpensiveError(
                    f"Without a modulus, n is at most {self.max_n}. Use a modulus, with which n may be below 2**64."
                )
            return 1.6e-8 * params.n
        if params.n >= MODULAR_N_LIMIT:
            raise TooExpensiveError("With a modulus, n is below 2**64. Use a smaller n.")
        return 1e-6 * params.n.bit_length() * (1 + params.modulus.bit_length() / 500)


def fibonacci(params: Fibonacci) -> FibonacciResult:
    """A Fibonacci number.

    The whole number, or its remainder by a modulus, in decimal or hex. `fast` takes 0.2 s for F(10,000,000) with its
    2,089,877 digits; `recursive` takes ten seconds for F(40), on purpose.
    """
    import gmpy2  # noqa: PLC0415  # see the module's docstring

    if params.algorithm == "recursive":
        number = gmpy2.mpz(_recursive(params.n))
        number = number if params.modulus is None else number % params.modulus
    elif params.modulus is None:
        number = gmpy2.fib(params.n)
    else:
        number = _fast_doubling(params.n, gmpy2.mpz(params.modulus))
    # `mpz.digits` has no limit of 4300 digits, takes 0.13 s for two million of them, and writes hex without 0x.
    value = number.digits(16 if params.format == "hex" else 10)
    return FibonacciResult(n=params.n, value=value, digits=len(value))


def _recursive(n: int) -> int:
    return n if n < 2 else _recursive(n - 1) + _recursive(n - 2)


def _fast_doubling(n: int, modulus: "mpz") -> "mpz":
    """Compute F(n) modulo `modulus`, one bit of n at a time.

    F(2k) = F(k)·(2·F(k+1) - F(k)) and F(2k+1) = F(k)² + F(k+1)².
    """
    this, following = 0, 1
    for bit in f"{n:b}":
        even = this * (2 * following - this) % modulus
        odd = (this * this + following * following) % modulus
        this, following = (odd, (even + odd) % modulus) if bit == "1" else (even, odd)
    return this
