"""What scikit-learn makes of a predictions.csv, as JSON: python classification.py predictions.csv NAME..."""

import csv
import json
import sys
import warnings

from sklearn.metrics import classification_report, confusion_matrix, log_loss, top_k_accuracy_score

warnings.filterwarnings("ignore")  # A class that is never predicted is one of the cases.
path, names = sys.argv[1], sys.argv[2:]
with open(path, newline="") as file:
    rows = list(csv.DictReader(file))
classes = list(range(len(names)))
actual = [int(row["label"]) for row in rows]
predicted = [int(row["predicted"]) for row in rows]
probabilities = [[float(row[f"p{number}"]) for number in classes] for row in rows]
print(json.dumps({
    "report": classification_report(actual, predicted, labels=classes, target_names=names, digits=2),
    "matrix": confusion_matrix(actual, predicted, labels=classes).tolist(),
    "loss": log_loss(actual, probabilities, labels=classes),
    "top2": top_k_accuracy_score(actual, probabilities, k=2, labels=classes),
}))
