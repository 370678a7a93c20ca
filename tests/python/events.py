"""What TensorBoard itself reads from an event file, or from the one in a folder, as JSON."""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
events.Reload()
scalars = {tag: [[event.step, event.value] for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
plugin = events.PluginTagToContent(metadata.PLUGIN_NAME)
start = metadata.parse_session_start_info_plugin_data(plugin[metadata.SESSION_START_INFO_TAG])
hparams = {name: getattr(value, value.WhichOneof("kind")) for name, value in start.hparams.items()}
status = None
if metadata.SESSION_END_INFO_TAG in plugin:
    status = metadata.parse_session_end_info_plugin_data(plugin[metadata.SESSION_END_INFO_TAG]).status
print(json.dumps({"scalars": scalars, "hparams": hparams, "status": status}))
