//! What files import, read from their text: `use` and paths within code, followed through `pub use` to the file that has
//! the item.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Names with `::` between them: `["crate", "train", "Config"]`.
type Path = Vec<String>;

/// All files, by where they are from the crate's root: `["train", "config"]`.
pub type Modules = BTreeMap<Path, Imports>;

/// What one file takes from others, as it spells it.
#[derive(Debug, Default)]
pub struct Imports {
    /// What the names that `use` gives it stand for, whoever may use them.
    names: BTreeMap<String, Path>,
    /// What it needs itself: all but what it only hands on.
    needs: BTreeSet<Path>,
}

/// Where a file below `src/` is from the crate's root: `train/config.rs`, `train/mod.rs`.
pub fn place(file: &str) -> Path {
    let parts = file.trim_end_matches(".rs").split('/').map(str::to_owned);
    parts.filter(|part| !["lib", "mod"].contains(&part.as_str())).collect()
}

impl Imports {
    /// Of a file with this text, but for the tests at its end, which may import whatever they like.
    pub fn of(text: &str) -> Self {
        let (mut imports, mut body, text) = (Self::default(), String::new(), code(text));
        let mut rest = text.as_str();
        while let Some(start) = next_use(rest) {
            let (before, statement) = rest.split_at(start);
            let (tree, after) = statement["use ".len()..].split_once(';').unwrap_or((statement, ""));
            let handed_on = before.trim_end().ends_with("pub") || before.trim_end().ends_with(')');
            for (name, path) in leaves(tree, &[]) {
                if !handed_on {
                    imports.needs.insert(path.clone());
                }
                imports.names.insert(name, path);
            }
            body += before;
            rest = after;
        }
        imports.needs.extend(paths(&(body + rest)));
        imports
    }

    /// The top-level modules that it takes anything from, itself or to hand it on.
    pub fn roots(&self) -> BTreeSet<&str> {
        let all = self.needs.iter().chain(self.names.values());
        all.filter(|path| path[0] == "crate" && path.len() > 1).map(|path| path[1].as_str()).collect()
    }
}

/// A circle of imports for each file that is in one: the files from it back to itself.
pub fn circles(modules: &Modules) -> Vec<String> {
    let imports = |place: &Path| -> BTreeSet<Path> {
        let needs = modules[place].needs.iter().filter_map(|path| absolute(place, path, modules));
        needs.filter_map(|path| holder(&path, modules, DEEPEST)).filter(|file| file != place).collect()
    };
    let imports: BTreeMap<&Path, BTreeSet<Path>> = modules.keys().map(|place| (place, imports(place))).collect();
    modules.keys().filter_map(|place| way_back(place, &imports)).collect()
}

/// `pub use`s one after another.
const DEEPEST: usize = 8;

/// A file's path from the crate's root; none where it is another crate's, or a type's.
fn absolute(place: &[String], path: &[String], modules: &Modules) -> Option<Path> {
    let ups = path.iter().take_while(|part| *part == "super").count();
    match path[0].as_str() {
        "crate" => Some(path[1..].to_vec()),
        "self" => Some([place, &path[1..]].concat()),
        "super" => Some([&place[..place.len().checked_sub(ups)?], &path[ups..]].concat()),
        first => {
            let child = [place, path].concat();
            if modules.contains_key(&child[..=place.len()]) {
                return Some(child);
            }
            // A name that stands for itself is another crate's.
            let meant = modules[place].names.get(first).filter(|meant| meant[0] != first)?;
            absolute(place, &[meant, &path[1..]].concat(), modules)
        }
    }
}

/// The file with the item of that path from the crate's root; none of a path that names a file only.
fn holder(path: &[String], modules: &Modules, deepest: usize) -> Option<Path> {
    let length = (0..=path.len()).rev().find(|&length| modules.contains_key(&path[..length]))?;
    let (place, rest) = path.split_at(length);
    let name = rest.first()?;
    match modules[place].names.get(name).filter(|_| deepest > 0) {
        None => Some(place.to_vec()),
        Some(meant) => {
            let path = [&absolute(place, meant, modules)?, &rest[1..]].concat();
            holder(&path, modules, deepest - 1).or_else(|| modules.contains_key(&path).then_some(path))
        }
    }
}

/// The shortest way along imports from a file back to itself.
fn way_back(start: &Path, imports: &BTreeMap<&Path, BTreeSet<Path>>) -> Option<String> {
    let mut seen = BTreeSet::new();
    let mut ways = VecDeque::from([vec![start]]);
    while let Some(way) = ways.pop_front() {
        for next in &imports[way[way.len() - 1]] {
            if next == start {
                return Some(
                    [&way[..], &[start]].concat().iter().map(|place| place.join("/")).collect::<Vec<_>>().join(" -> "),
                );
            }
            if seen.insert(next) {
                ways.push_back([&way[..], &[next]].concat());
            }
        }
    }
    None
}

/// The text without comments, what is between quotes, and the tests at its end.
fn code(text: &str) -> String {
    let end = text
        .find("#[cfg(test)]\nmod ")
        .filter(|&at| !text[at..].lines().nth(1).is_some_and(|line| line.ends_with(';')));
    let lines = text[..end.unwrap_or(text.len())].lines().map(|line| line.split("//").next().unwrap_or_default());
    let text = lines.collect::<Vec<_>>().join("\n").replace("\\\"", "");
    text.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

/// Where the next `use` begins, which is the first word of its line but for who may see it.
fn next_use(text: &str) -> Option<usize> {
    text.match_indices("use ").map(|(at, _)| at).find(|&at| {
        let before = text[..at].rsplit('\n').next().unwrap_or_default().trim();
        before.is_empty() || before == "pub" || before.starts_with("pub(") && before.ends_with(')')
    })
}

/// The names that `a::{b, c as d}` gives, and what they stand for.
fn leaves(tree: &str, prefix: &[String]) -> Vec<(String, Path)> {
    let tree = tree.trim();
    if let Some((head, group)) = tree.split_once('{') {
        let prefix = [prefix, &parts(head)].concat();
        let group = group.trim_end().strip_suffix('}').unwrap_or(group);
        return members(group).into_iter().flat_map(|member| leaves(member, &prefix)).collect();
    }
    let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias.to_owned())));
    let mut path = [prefix, &parts(path)].concat();
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    path.last().cloned().map(|last| (alias.unwrap_or(last), path)).into_iter().collect()
}

/// What commas part, but for those within braces.
fn members(group: &str) -> Vec<&str> {
    let mut open = 0;
    let parted = group.split(|letter| {
        open += i32::from(letter == '{') - i32::from(letter == '}');
        letter == ',' && open == 0
    });
    parted.filter(|member| !member.trim().is_empty()).collect()
}

fn parts(path: &str) -> Path {
    path.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// The paths in code: words with `::` between them.
fn paths(code: &str) -> impl Iterator<Item = Path> {
    let words = code.split(|letter: char| !letter.is_alphanumeric() && !['_', ':'].contains(&letter));
    words.filter(|word| word.contains("::") && !word.starts_with(':')).map(parts).filter(|path| path.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules(files: &[(&str, &str)]) -> Modules {
        files.iter().map(|(file, text)| (place(file), Imports::of(text))).collect()
    }

    const FOLDER: (&str, &str) = ("a/mod.rs", "mod one;\nmod two;\npub use one::One;\npub use two::{Two, two};\n");

    #[test]
    fn circles_are_found_however_they_are_spelled() {
        let spelled = [
            "use crate::a::one::One;",
            "use crate::{\n    b::{self, B},\n    a::{One},\n};",
            "use super::One;",
            "use super::one::{self};\nfn f() -> one::One {}",
            "use super::super::a::One as Other;",
            "fn f(one: &crate::a::One) {}",
            "use super::{Zero, one};\nconst ONE: u8 = one::ONE;",
            "pub(super) use nothing::Nothing;\nuse crate::a;\nfn f() { a::One::new() }",
        ];
        for text in spelled {
            let files = modules(&[FOLDER, ("a/one.rs", "use super::Two;\npub struct One(Two);"), ("a/two.rs", text)]);
            assert_eq!(circles(&files), ["a/one -> a/two -> a/one", "a/two -> a/one -> a/two"], "{text}");
        }
    }

    #[test]
    fn a_folders_own_items_are_a_file_like_any_other() {
        let own = "mod child;\npub const ITEM: u8 = child::of();\n";
        let files = modules(&[("a/mod.rs", own), ("a/child.rs", "use super::ITEM;\nfn of() {}\n")]);
        assert_eq!(circles(&files), ["a -> a/child -> a", "a/child -> a -> a/child"]);
    }

    #[test]
    fn what_is_handed_on_or_tested_or_another_crates_is_no_circle() {
        let one = "use super::Two;\n// use super::one::One;\nconst A: &str = \"crate::a::two\";\npub struct One(Two);";
        let two = "use std::fmt::{self, one};\npub struct Two;\nfn f() -> fmt::Result {}\n#[cfg(test)]\nmod tests {\n    use super::super::One;\n}\n";
        assert_eq!(circles(&modules(&[FOLDER, ("a/one.rs", one), ("a/two.rs", two)])), [""; 0]);
    }
}
