"""What scikit-learn's learners and PCA make of Fashion-MNIST, as JSON: python learners.py FOLDER TRAINING_SAMPLES COMPONENTS"""

import gzip
import json
import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

warnings.filterwarnings("ignore")  # Logistic regression ends after its 100 iterations, as it does by default.
folder, count, components = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])


def read(name, header):
    plain = folder / name
    content = plain.read_bytes() if plain.exists() else gzip.open(f"{plain}.gz").read()
    return np.frombuffer(content, np.uint8, offset=header)


train_x, train_y = read("train-images-idx3-ubyte", 16).reshape(-1, 784) / 255, read("train-labels-idx1-ubyte", 8)
test_x, test_y = read("t10k-images-idx3-ubyte", 16).reshape(-1, 784) / 255, read("t10k-labels-idx1-ubyte", 8)
train_x, _, train_y, _ = train_test_split(train_x, train_y, test_size=0.2, random_state=2020)
train_x, train_y = train_x[:count], train_y[:count]

learners = {
    "nearest centroid": NearestCentroid(),
    "Gaussian naive Bayes": GaussianNB(),
    "logistic regression": LogisticRegression(),
    "k nearest neighbours": KNeighborsClassifier(5, algorithm="brute"),
    "decision tree": DecisionTreeClassifier(random_state=0),
    "random forest": RandomForestClassifier(100, random_state=0, n_jobs=-1),
    "support vector machine": SVC(),
}
pca = PCA(components, svd_solver="full").fit(train_x)
inputs = {"none": (train_x, test_x), f"pca:{components}": (pca.transform(train_x), pca.transform(test_x))}
print(json.dumps({
    "ratios": pca.explained_variance_ratio_.tolist(),
    "vectors": pca.components_.tolist(),
    "accuracies": {
        f"{name}, {reduction}": float((learner.fit(x, train_y).predict(test) == test_y).mean())
        for reduction, (x, test) in inputs.items()
        for name, learner in learners.items()
    },
}))
