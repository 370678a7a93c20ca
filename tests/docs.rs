//! The pages for users: links lead to what is there, commands are such as the program takes, models such as it reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lines that pages may have; what is more belongs in docs/.
const MOST_LINES: [(&str, usize); 2] = [("README.md", 200), ("ARCHITECTURE.md", 249)];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The Markdown files of users and developers, with their paths from the root.
fn pages() -> BTreeMap<PathBuf, String> {
    let mut folders = vec![PathBuf::from("docs")];
    let mut found = vec![PathBuf::from("README.md"), PathBuf::from("ARCHITECTURE.md")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            match path.extension().is_some_and(|extension| extension == "md") {
                true => found.push(path),
                false if root().join(&path).is_dir() => folders.push(path),
                false => {}
            }
        }
    }
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(root().join(path)).unwrap())).collect()
}

/// A page's lines, and whether each is code: fenced, or indented by four spaces after an empty line or other code.
fn lines(page: &str) -> Vec<(&str, bool)> {
    let (mut fenced, mut indented, mut empty) = (false, false, true);
    page.lines()
        .map(|line| {
            let fence = line.starts_with("```");
            fenced ^= fence;
            indented = line.starts_with("    ") && (indented || empty);
            empty = line.trim().is_empty();
            (line, fenced || fence || indented)
        })
        .collect()
}

/// What the page says outside code, `code in a line` included.
fn prose(page: &str) -> String {
    lines(page).into_iter().filter(|(_, code)| !code).flat_map(|(line, _)| [line, "\n"]).collect()
}

/// The targets of `[text](target)` and `![text](target)`.
fn links(page: &str) -> Vec<String> {
    let text = prose(page);
    text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect()
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(page: &str) -> BTreeSet<String> {
    let anchor = |heading: &str| {
        let kept = heading.trim().to_lowercase().replace(' ', "-");
        kept.chars().filter(|&letter| letter.is_alphanumeric() || "-_".contains(letter)).collect()
    };
    let text = prose(page);
    text.lines().filter_map(|line| Some(line.strip_prefix('#')?.trim_start_matches('#'))).map(anchor).collect()
}

/// The links of a page that lead nowhere.
fn broken_links(path: &Path, page: &str, pages: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let there = |link: &str| {
        let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
        let target = if file.is_empty() { path.to_owned() } else { path.parent().unwrap().join(file) };
        let target = fs::canonicalize(root().join(target)).ok()?;
        let Some(anchor) = anchor else { return Some(()) };
        let inside = target.strip_prefix(fs::canonicalize(root()).ok()?).ok()?.to_owned();
        anchors(pages.get(&inside)?).contains(anchor).then_some(())
    };
    links(page).into_iter().filter(|link| !link.contains("://") && there(link).is_none()).collect()
}

#[test]
fn links_lead_to_files_and_headings_that_are_there() {
    let pages = pages();
    let mut checked = 0;
    for (path, page) in &pages {
        let broken = broken_links(path, page, &pages);
        assert!(broken.is_empty(), "{}: {broken:?}", path.display());
        checked += links(page).len();
    }
    assert!(pages.len() > 15 && checked > 40, "only {checked} links of {} pages looked at", pages.len());
}

#[test]
fn a_link_that_leads_nowhere_is_noticed() {
    let page = "# One thing, `code`\n[a](b.md) ![c](README.md)\n\n    [code](d.md)\n\n[e](README.md#f) [g](#one-thing-code)\n\
                ```\n# no heading\n[h](i.md)\n```\n[j](#no-heading) [k](https://example.org/l)";
    let pages = BTreeMap::from([(PathBuf::from("README.md"), page.to_owned())]);
    assert_eq!(broken_links(Path::new("README.md"), page, &pages), ["b.md", "README.md#f", "#no-heading"]);
}

#[test]
fn every_page_is_linked() {
    let pages = pages();
    let mut linked = BTreeSet::new();
    for (path, page) in &pages {
        for link in links(page) {
            let file = link.split('#').next().unwrap();
            linked.extend(fs::canonicalize(root().join(path.parent().unwrap()).join(file)));
        }
    }
    let is_linked = |path: &Path| linked.contains(&fs::canonicalize(root().join(path)).unwrap());
    let lost: Vec<_> = pages.keys().filter(|path| path.starts_with("docs") && !is_linked(path)).collect();
    assert!(lost.is_empty(), "no page leads to {lost:?}");
}

#[test]
fn the_first_pages_are_short() {
    for (page, most) in MOST_LINES {
        let lines = fs::read_to_string(root().join(page)).unwrap().lines().count();
        assert!(lines <= most, "{page}: {lines} lines: the rest belongs in docs/");
    }
}

/// The program's arguments of each `$ gpu-fmnist ...` in a page's code.
fn commands(page: &str) -> Vec<Vec<String>> {
    let code: Vec<&str> = lines(page).into_iter().filter(|(_, code)| *code).map(|(line, _)| line.trim()).collect();
    let code = code.join("\n").replace("\\\n", " ");
    let typed = code.lines().filter_map(|line| {
        let command = line.strip_prefix("$ ")?.split(" #").next()?.split(" > ").next()?;
        command.strip_prefix("gpu-fmnist ").or(command.strip_prefix("cargo run --release -- "))
    });
    typed.map(|command| command.split_whitespace().map(str::to_owned).collect()).collect()
}

/// Why the program does not take these arguments. It is only asked for help, after all of them: so it does nothing, but
/// refuses what it does not know.
fn refusal(arguments: &[String]) -> Option<String> {
    let program = env!("CARGO_BIN_EXE_gpu-fmnist");
    let output = Command::new(program).args(arguments).arg("--help").output().unwrap();
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn commands_are_such_as_the_program_takes() {
    let mut tried = BTreeSet::new();
    for (path, page) in pages() {
        for command in commands(&page) {
            let refusal = refusal(&command);
            assert_eq!(refusal, None, "{}: gpu-fmnist {}", path.display(), command.join(" "));
            tried.insert(command);
        }
    }
    assert!(tried.len() > 40, "only {} commands tried", tried.len());
}

#[test]
fn a_command_that_the_program_does_not_take_is_noticed() {
    let page = "Text:\n\n    $ gpu-fmnist train --epochs 3 \\\n        --seed 7 > file\n    $ gpu-fmnist tarin   # a\n\
                \n    gpu-fmnist output\n";
    let commands = commands(page);
    assert_eq!(commands[0], ["train", "--epochs", "3", "--seed", "7"]);
    assert_eq!(commands[1..], [["tarin"]]);
    assert!(refusal(&commands[1]).unwrap().contains("tarin"));
    assert!(refusal(&["train", "--epoch-count", "3"].map(str::to_owned)).unwrap().contains("--epoch-count"));
    assert!(refusal(&["train", "--seed", "seven"].map(str::to_owned)).unwrap().contains("seven"));
}

#[test]
fn models_are_such_as_the_program_reads() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("model.toml");
    let mut models = 0;
    for (path, page) in pages() {
        for model in page.split("\n```toml\n").skip(1).filter_map(|rest| rest.split("\n```").next()) {
            fs::write(&file, model).unwrap();
            let output = Command::new(env!("CARGO_BIN_EXE_gpu-fmnist"))
                .args(["summary", "--model"])
                .arg(&file)
                .output()
                .unwrap();
            assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
            models += 1;
        }
    }
    assert!(models >= 2, "{models} models");
}
