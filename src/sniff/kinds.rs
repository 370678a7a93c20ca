//! Kinds of files, what was wanted instead, and what can be done about it.

/// What a command wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A file with a trained network in it.
    Network,
    /// The folder of a run.
    Run,
    /// A file in such a folder.
    Checkpoint,
    /// A model's layers in TOML.
    Model,
    /// Images or labels of a data set.
    Idx,
    /// The folder that those are in.
    DataFolder,
    Picture,
}

impl Wanted {
    fn name(self) -> &'static str {
        match self {
            Wanted::Network => "a network that can be read",
            Wanted::Run => "the folder of a run",
            Wanted::Checkpoint => "a checkpoint",
            Wanted::Model => "a model's TOML file",
            Wanted::Idx => "an IDX file",
            Wanted::DataFolder => "the folder of a data set",
            Wanted::Picture => "a picture that can be read",
        }
    }
}

/// What was found instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// With its article: `a PyTorch file (.pt, .pth)`.
    pub name: &'static str,
    class: Class,
}

/// Kinds by what can be done about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Wants the same whatever was wanted: to be unpacked, or downloaded again.
    Always(&'static str),
    /// A network, and how to make one of it that can be read.
    Network(&'static str),
    /// Arrays of numbers, which may be weights or images.
    Arrays,
    /// A network that can be read.
    Readable,
    Picture,
    /// What people write.
    Text,
    Other,
}

/// How arrays of another program become a file of a data set.
pub const WRITE_IDX: &str = "write its array a as IDX in Python: open(\"train-images-idx3-ubyte\", \"wb\").write(bytes([0, 0, 8, \
    a.ndim]) + numpy.array(a.shape, \">u4\").tobytes() + a.astype(\"u1\").tobytes())";
/// How weights of another program become a network's.
pub const WRITE_WEIGHTS: &str = "in Python, write the weights with safetensors.numpy.save_file under the names and in the shapes \
    that `Network::tensors` gives, and train with `init` and `model`";
pub const SAVE_WHOLE: &str = "load it in Keras and save the whole model as .keras or .h5";
pub const TOML: &str = "a model's TOML file, which has no weights";
pub const DOWNLOAD: &str = "download the file itself again";

pub const fn always(name: &'static str, remedy: &'static str) -> Kind {
    Kind { name, class: Class::Always(remedy) }
}

pub const fn network(name: &'static str, remedy: &'static str) -> Kind {
    Kind { name, class: Class::Network(remedy) }
}

pub const fn arrays(name: &'static str) -> Kind {
    Kind { name, class: Class::Arrays }
}

pub const fn readable(name: &'static str) -> Kind {
    Kind { name, class: Class::Readable }
}

pub const fn picture(name: &'static str) -> Kind {
    Kind { name, class: Class::Picture }
}

pub const fn text(name: &'static str) -> Kind {
    Kind { name, class: Class::Text }
}

pub const fn other(name: &'static str) -> Kind {
    Kind { name, class: Class::Other }
}

impl Kind {
    /// Whether a network may be read from it.
    pub fn is_readable_network(&self) -> bool {
        self.class == Class::Readable
    }

    /// Whether the images of a data set may be in it.
    pub fn may_hold_data(&self) -> bool {
        matches!(self.class, Class::Arrays | Class::Always(_))
    }

    /// Whether it is what a download leaves that went wrong.
    pub fn is_failed_download(&self) -> bool {
        self.class == Class::Always(DOWNLOAD)
    }

    /// Whether it is a picture, or a document that programs show as one.
    pub fn is_picture(&self) -> bool {
        self.class == Class::Picture
    }

    /// Whether people may have written it.
    pub fn is_text(&self) -> bool {
        self.class == Class::Text
    }

    /// `problem; remedy`; see [`Kind::problem`].
    pub fn line(&self, wanted: Wanted, otherwise: &str) -> String {
        let (problem, remedy) = self.problem(wanted, otherwise);
        format!("{problem}; {remedy}")
    }

    /// What is wrong with the file, and what to do about it: `otherwise`, if this kind has no remedy of its own.
    pub fn problem<'a>(&self, wanted: Wanted, otherwise: &'a str) -> (String, &'a str) {
        let remedy = match (self.class, wanted) {
            (Class::Always(remedy), _) => remedy,
            (Class::Network(remedy), Wanted::Network | Wanted::Run | Wanted::Model) => remedy,
            (Class::Readable, Wanted::Model) => "'train' takes it with `init`, without `model`",
            (Class::Text, Wanted::Network) if self.name == TOML => "give it with `model`",
            (Class::Arrays, Wanted::Network | Wanted::Run) => WRITE_WEIGHTS,
            (Class::Arrays, Wanted::Idx | Wanted::DataFolder) => WRITE_IDX,
            _ => otherwise,
        };
        (format!("{}, not {}", self.name, wanted.name()), remedy)
    }
}

/// Whether `part` is somewhere in `bytes`.
pub fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The first of `bytes`, at most so many.
pub fn head(bytes: &[u8], most: usize) -> &[u8] {
    &bytes[..bytes.len().min(most)]
}
