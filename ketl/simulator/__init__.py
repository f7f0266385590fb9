"""A local HTTP server that answers as Groq's API does: delays, limits, refusals, damaged replies, from a seed."""

from ketl.simulator.config import FAULT_KINDS, ScriptedFault, SimulatorConfig
from ketl.simulator.launcher import RunningSimulator, start_simulator
from ketl.simulator.pseudo import DEMO_MARK, is_demo_text

__all__ = [
    "DEMO_MARK",
    "FAULT_KINDS",
    "RunningSimulator",
    "ScriptedFault",
    "SimulatorConfig",
    "is_demo_text",
    "start_simulator",
]
