"""The releases of distributions, and their dot releases."""
