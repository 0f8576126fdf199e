"""What runs inside a lane's process. Nothing outside of this package imports it, but for `entry_points`."""
