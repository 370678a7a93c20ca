"""What MLflow's own client reads of the one run of the experiment gpu-fmnist, as JSON."""

import json
import sys

from mlflow import MlflowClient

client = MlflowClient(sys.argv[1])
experiment = client.get_experiment_by_name("gpu-fmnist")
[run] = client.search_runs([experiment.experiment_id])
keys = list(run.data.metrics)
history = {key: [[one.step, one.value] for one in client.get_metric_history(run.info.run_id, key)] for key in keys}
files = [file.path for folder in [None, "checkpoints"] for file in client.list_artifacts(run.info.run_id, folder)]
page = open(client.download_artifacts(run.info.run_id, "report.html", sys.argv[2]), encoding="utf-8").read()
print(json.dumps({
    "name": run.info.run_name, "status": run.info.status, "params": run.data.params, "metrics": history,
    "files": files, "report": len(page.encode()),
}))
