//! An array of jobs, which is submitted to Slurm.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::Command;

use super::work::Work;
use crate::cli::console::Console;
use crate::cli::output;
use crate::error::{Error, Result};
use crate::formats::{make_folder, write_own};
use crate::shell::quoted;

/// Unless it is said how many tasks a job has. Sites ask for few starts a minute.
const MOST_JOBS: usize = 32;

pub fn run(work: &Work, left: &[usize], console: &mut Console) -> Result<()> {
    let tasks = work.manifest.tasks.len();
    let each = work.options.tasks_per_job.map_or_else(|| left.len().div_ceil(MOST_JOBS), usize::from);
    // By their numbers, so that a job that is started again has the same.
    let mut jobs: Vec<usize> = left.iter().map(|number| (number - 1) / each + 1).collect();
    jobs.dedup();
    let folder = work.manifest.folder().join("slurm");
    make_folder(&folder)?;
    let path = folder.join("job.sh");
    write_own(&path, script(work, &jobs, each)?.as_bytes())?;
    let submitted = Command::new("sbatch").arg("--parsable").arg(&path).output().map_err(|error| {
        let why = match error.kind() {
            ErrorKind::NotFound => "there is no such program here".to_owned(),
            _ => error.to_string(),
        };
        let script = quoted(path.as_os_str());
        Error::Failed(format!("sbatch: {why}; submit the jobs where Slurm is with: sbatch {script}"))
    })?;
    if !submitted.status.success() {
        let (said, path) = (String::from_utf8_lossy(&submitted.stderr), path.display());
        let said = said.trim().trim_start_matches("sbatch: ").replace('\n', " ");
        return Err(Error::Failed(format!("sbatch {path}: refused ({said}); give what it asks for with --sbatch")));
    }
    let job = String::from_utf8_lossy(&submitted.stdout);
    let job = job.trim().split(';').next().unwrap_or_default().to_owned();
    console.say(&format!(
        "{} of {tasks} tasks in {} jobs; see: squeue --job {job}; what they say is in {}",
        left.len(),
        jobs.len(),
        folder.display()
    ));
    output::text(&format!("{job}\n"))
}

/// What each job runs. A task that fails does not keep the others of its job from being done.
fn script(work: &Work, jobs: &[usize], each: usize) -> Result<String> {
    let adapter = work.adapter("slurm")?;
    let mut options: Vec<String> = vec![
        format!("--job-name={}", work.manifest.name),
        format!("--array={}", ranges(jobs)),
        "--ntasks=1".into(),
        "--requeue".into(),
        "--open-mode=append".into(),
        format!("--output={}/slurm/%A_%a.out", work.manifest.folder().display().to_string().replace('%', "%%")),
    ];
    for given in &work.options.sbatch {
        let words = shlex::split(given).ok_or_else(|| {
            Error::Usage(format!("--sbatch {given}: a quote has no end; write it as on a command line"))
        })?;
        options.extend(words);
    }
    let option = |option: &String| match option.contains(char::is_whitespace) {
        true => format!("#SBATCH {}\n", quoted(option.as_ref())),
        false => format!("#SBATCH {option}\n"),
    };
    let options: String = options.iter().map(option).collect();
    let words = work.command("", adapter)?;
    let word = |word: &OsString| if word.is_empty() { "\"$task\"".to_owned() } else { quoted(word) };
    let command = words.iter().map(word).collect::<Vec<String>>().join(" ");
    let tasks = work.manifest.tasks.len();
    Ok(format!(
        "#!/bin/bash\n{options}
# Since 22.05, srun no longer takes it from sbatch.
[[ ! ${{SLURM_CPUS_PER_TASK:-}} ]] || export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK
# So that what is killed is a task and not this script; each goes on where it was.
code=0
for ((task = (SLURM_ARRAY_TASK_ID - 1) * {each} + 1; task <= SLURM_ARRAY_TASK_ID * {each} && task <= {tasks}; task++)); do
  srun --ntasks=1 {command} || code=$?
done
exit $code
"
    ))
}

/// Ascending numbers as Slurm has them: `1,3-5`.
fn ranges(numbers: &[usize]) -> String {
    let mut ranges: Vec<[usize; 2]> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some([_, last]) if *last + 1 == number => *last = number,
            _ => ranges.push([number, number]),
        }
    }
    let shown = |[first, last]: [usize; 2]| if first == last { first.to_string() } else { format!("{first}-{last}") };
    ranges.into_iter().map(shown).collect::<Vec<String>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_a_range() {
        assert_eq!(ranges(&[1]), "1");
        assert_eq!(ranges(&[1, 2, 3]), "1-3");
        assert_eq!(ranges(&[1, 3, 4, 5, 9]), "1,3-5,9");
    }
}
