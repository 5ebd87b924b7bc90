"""Point distro_info at the tests' own data; Python imports this at start from PYTHONPATH."""

import os

if "TEST_DISTRO_DATA" in os.environ:
    import distro_info

    distro_info._get_data_dir = lambda: os.environ["TEST_DISTRO_DATA"]
