//! A line for each task.

use super::work::Work;
use crate::cli::output;
use crate::error::Result;
use crate::shell::quoted;

pub fn run(work: &Work, left: &[usize]) -> Result<()> {
    let adapter = work.adapter("print")?;
    for number in left {
        let words = work.command(&number.to_string(), adapter)?;
        output::text(&(words.iter().map(|word| quoted(word)).collect::<Vec<String>>().join(" ") + "\n"))?;
    }
    Ok(())
}
