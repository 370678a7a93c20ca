"""The first network of the notebook, trained, tested and kept."""

from gpu_fmnist import Classifier
from gpu_fmnist.datasets import fashion_mnist

(x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
classifier = Classifier("cnn1", validation_fraction=0.2, verbose=2)
classifier.fit(x_train, y_train)
print(f"test accuracy {classifier.score(x_test, y_test):.4f} on {classifier.device_}")
classifier.save("cnn1.keras")
