"""A pytest plugin: hypothesis stops at the first example that fails, and looks for no shorter one."""

from hypothesis import Phase, settings

settings.register_profile("quick", phases=(Phase.explicit, Phase.generate), database=None)
settings.load_profile("quick")
