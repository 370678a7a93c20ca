//! Translating WGSL with naga, the translator that wgpu itself uses.

use naga::ShaderStage;
use naga::back::{glsl, hlsl, msl, spv};
use naga::proc::BoundsCheckPolicies;
use naga::valid::{Capabilities, ValidationFlags, Validator};

use crate::error::{Error, Result};

/// A language that wgpu's back ends speak to drivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Wgsl,
    /// Vulkan
    Spirv,
    /// Metal
    Msl,
    /// DX12
    Hlsl,
    /// GL: ES 3.1
    Glsl,
}

impl Language {
    /// The usual ending of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Language::Wgsl => "wgsl",
            Language::Spirv => "spv",
            Language::Msl => "metal",
            Language::Hlsl => "hlsl",
            Language::Glsl => "glsl",
        }
    }
}

/// The shader `name` in another language, as its file's bytes.
///
/// # Errors
/// [`Error::Failed`] with what naga says of a shader that is wrong, or that the language cannot express.
pub fn translate(name: &str, wgsl: &str, language: Language) -> Result<Vec<u8>> {
    let fail = |problem: String| Error::Failed(format!("{name}: {}", problem.replace('\n', " ")));
    let module = naga::front::wgsl::parse_str(wgsl).map_err(|error| fail(error.message().to_owned()))?;
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
    let info = validator.validate(&module).map_err(|error| fail(error.as_inner().to_string()))?;
    match language {
        Language::Wgsl => Ok(wgsl.as_bytes().to_vec()),
        Language::Spirv => {
            let options = spv::Options { lang_version: (1, 3), ..Default::default() };
            let words = spv::write_vec(&module, &info, &options, None).map_err(|error| fail(error.to_string()))?;
            Ok(words.iter().flat_map(|word| word.to_le_bytes()).collect())
        }
        Language::Msl => {
            let options = msl::Options { lang_version: (2, 4), ..Default::default() };
            let (text, _) = msl::write_string(&module, &info, &options, &Default::default())
                .map_err(|error| fail(error.to_string()))?;
            Ok(text.into_bytes())
        }
        Language::Hlsl => {
            let (options, entry) = (hlsl::Options::default(), hlsl::PipelineOptions::default());
            let mut text = String::new();
            let written = hlsl::Writer::new(&mut text, &options, &entry).write(&module, &info, None);
            written.map_err(|error| fail(error.to_string()))?;
            Ok(text.into_bytes())
        }
        Language::Glsl => {
            let options = glsl::Options { version: glsl::Version::new_gles(310), ..Default::default() };
            let entry = glsl::PipelineOptions {
                shader_stage: ShaderStage::Compute,
                entry_point: "main".into(),
                multiview: None,
            };
            let mut text = String::new();
            glsl::Writer::new(&mut text, &module, &info, &options, &entry, BoundsCheckPolicies::default())
                .and_then(|mut writer| writer.write())
                .map_err(|error| fail(error.to_string()))?;
            Ok(text.into_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::REGISTRY;

    #[test]
    fn every_kernel_translates_to_every_language() {
        let languages = [Language::Wgsl, Language::Spirv, Language::Msl, Language::Hlsl, Language::Glsl];
        for row in REGISTRY {
            for language in languages {
                let bytes = translate(row.name, row.wgsl, language).unwrap();
                assert!(!bytes.is_empty(), "{} in {language:?}", row.name);
            }
        }
    }
}
