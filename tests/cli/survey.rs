//! `survey`: what it measures within its time, what it leaves when it is ended, and surveys side by side.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Running, Scratch, ended, names};

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The names of the parts with that outcome.
fn parts<'a>(survey: &'a Value, outcome: &str) -> Vec<&'a str> {
    let parts = survey["parts"].as_array().unwrap().iter();
    parts.filter(|part| part["outcome"] == outcome).map(|part| part["name"].as_str().unwrap()).collect()
}

/// What holds of every survey: it says nothing of where it was made, and its page stands alone.
#[track_caller]
fn check(scratch: &Scratch, name: &str) -> Value {
    let [json, page] = ["json", "html"].map(|ending| fs::read_to_string(scratch.path(&format!("{name}.{ending}"))));
    let (json, page) = (json.unwrap(), page.unwrap());
    let home = scratch.path("").display().to_string();
    for text in [&json, &page] {
        assert!(!text.contains(home.trim_end_matches('/')), "{text}");
    }
    assert!(!page.contains("<script") && !page.contains("@import") && page.trim_end().ends_with("</html>"));
    for start in ["src=\"", "href=\"", "url("] {
        assert!(page.split(start).skip(1).all(|address| address.starts_with("data:")), "{start}");
    }
    let survey: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&survey["format"], &survey["version"]), (&"gpu-fmnist survey".into(), &1.into()));
    survey
}

#[test]
fn a_survey_of_the_cpu_path_measures_what_there_is_time_for() {
    let scratch = Scratch::new();
    let ended = scratch.succeed("survey --model tiny.toml --adapter cpu --minutes 0.4 --json");
    let survey = check(&scratch, "survey");
    assert_eq!(ended.json()[0], survey);
    assert!(ended.stderr.ends_with("wrote survey.json and survey.html\n"), "{ended:?}");
    assert_eq!((&survey["end"], &survey["surveyed"]), (&"complete".into(), &Value::Null));
    assert!(survey["seconds"].as_f64().unwrap() < 60.0 * 0.4 + 20.0, "{survey}");
    let done = parts(&survey, "done");
    assert!(parts(&survey, "failed").is_empty() && done.contains(&"ceilings"), "{survey}");
    assert_eq!(survey["parts"].as_array().unwrap().len(), 12, "{survey}");
    for speed in survey["bench"].as_array().unwrap() {
        let [seconds, images] = ["seconds_per_step", "images_per_second"].map(|key| speed[key].as_f64().unwrap());
        assert!((seconds * images / speed["batch_size"].as_f64().unwrap() - 1.0).abs() < 1e-9, "{speed}");
        assert!(speed["seconds_per_step_of_repeats"].as_array().unwrap().len() >= 3, "{speed}");
        assert!(ended.stderr.contains(&format!("bench tiny {}, CPU path: ", speed["batch_size"])), "{ended:?}");
    }
    // The small data set is the small model's.
    if let Some(trained) = survey["train"].as_array().unwrap().first() {
        assert_eq!((&trained["model"], &trained["verified"]), (&"tiny".into(), &false.into()));
        assert!(trained["test_accuracy"].as_f64().unwrap() > 0.0, "{trained}");
        assert!(!trained["epochs"].as_array().unwrap().is_empty(), "{trained}");
    }
    assert_eq!(
        survey["train"].as_array().unwrap().len(),
        done.iter().filter(|name| name.starts_with("train tiny")).count()
    );
}

#[test]
fn a_survey_of_an_adapter_has_the_cpu_path_beside_it() {
    let scratch = Scratch::new();
    fs::remove_dir_all(scratch.path("data")).unwrap();
    let arguments = "survey --model tiny.toml --adapter 0 --minutes 0.5 -o here.json";
    let ended = ended(scratch.on_the_tests_driver(arguments).output().unwrap()).succeeded(arguments);
    let survey = check(&scratch, "here");
    let adapter = &survey["adapters"][survey["surveyed"].as_u64().unwrap() as usize];
    assert!(ended.stdout.contains(adapter["name"].as_str().unwrap()), "{ended:?}");
    assert!(adapter["limits"]["max_buffer_size"].as_u64() >= Some(1 << 27), "{adapter}");
    let of = |key: &str, on: &str| survey[key].as_array().unwrap().iter().filter(|one| one["on"] == on).count();
    assert_eq!((of("ceilings", "adapter"), of("selftest", "adapter")), (1, 1), "{survey}");
    let kernels = survey["selftest"][0]["kernels"].as_array().unwrap();
    assert!(!kernels.is_empty(), "{survey}");
    // The last one may have had no time for all of its cases.
    if let Some(product) = kernels[..kernels.len() - 1].iter().find(|kernel| kernel["kernel"] == "conv_forward") {
        let [cases, narrow] = ["cases", "in_16_bits"].map(|key| product[key].as_u64().unwrap());
        assert!((4..cases).contains(&narrow), "{product}");
    }
    for speed in survey["bench"].as_array().unwrap() {
        let used = speed["tolerance_used"].as_f64();
        assert!(if speed["on"] == "cpu" { used.is_none() } else { used <= Some(1.0) && used.is_some() }, "{speed}");
    }
    // Nothing is fetched, and the reason has no path.
    let train = survey["parts"].as_array().unwrap().iter().find(|part| part["name"] == "train tiny").unwrap();
    assert_eq!(train["outcome"], "skipped");
    assert!(
        ["no data set for it here; ", "no time for it"].iter().any(|why| train["note"].as_str().unwrap().contains(why))
    );
    assert!(!names(&scratch.path("")).contains(&"data".to_owned()));
}

/// Networks that the adapter's memory is too small for, by a limit: they are named, and all else goes on.
#[test]
fn what_fails_is_named_and_the_rest_goes_on() {
    let scratch = Scratch::new();
    let arguments = "survey --model tiny.toml --adapter 0 --minutes 0.4 --vram-limit 20k";
    let ended = ended(scratch.on_the_tests_driver(arguments).output().unwrap()).succeeded(arguments);
    let survey = check(&scratch, "survey");
    assert_eq!(survey["end"], "complete");
    let failed: Vec<&Value> =
        survey["parts"].as_array().unwrap().iter().filter(|part| part["outcome"] == "failed").collect();
    assert!(!failed.is_empty(), "{survey}");
    for part in failed {
        let note = part["note"].as_str().unwrap();
        assert!(note.contains("`vram_limit` is 0.0 MB") && part["on"] == "adapter", "{part}");
    }
    assert!(ended.stderr.contains("bench tiny 512: FAILED: ") && !ended.stderr.contains('`'), "{ended:?}");
    assert!(survey["bench"].as_array().unwrap().iter().all(|speed| speed["on"] == "cpu"), "{survey}");
    assert!(parts(&survey, "done").contains(&"selftest"), "{survey}");
}

#[test]
fn without_time_all_parts_are_named_and_skipped() {
    let scratch = Scratch::new();
    let ended = scratch.succeed("survey --model tiny.toml --adapter cpu --minutes 0.00001");
    let survey = check(&scratch, "survey");
    assert_eq!(parts(&survey, "skipped").len(), 12, "{survey}");
    for name in parts(&survey, "skipped") {
        assert!(ended.stderr.contains(&format!("{name}, CPU path")), "{name}: {ended:?}");
    }
    assert!(ended.stderr.contains("skipped, since there was no time (--minutes gives more): selftest"), "{ended:?}");
}

/// Starts a survey that would take minutes, and returns once a part is done, and what was said.
fn begun(scratch: &Scratch) -> (Running, BufReader<std::process::ChildStderr>, String) {
    let mut survey = Running::start(&mut scratch.command("survey --model tiny.toml,cnn3 --adapter cpu --minutes 9"));
    let mut stderr = BufReader::new(survey.child().stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("ceilings, CPU path: ") {
        assert!(stderr.read_line(&mut said).unwrap() > 0, "{said}");
    }
    (survey, stderr, said)
}

#[cfg(unix)]
#[test]
fn an_interrupt_keeps_what_was_measured() {
    use crate::support::Signal;

    let scratch = Scratch::new();
    let (mut survey, mut stderr, mut said) = begun(&scratch);
    survey.send(Signal::SIGINT);
    stderr.read_to_string(&mut said).unwrap();
    let ended = survey.ended();
    assert_eq!(ended.code, Some(130), "{said}");
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("interrupted; survey.json and survey.html have the "), "{said}");
    let survey = check(&scratch, "survey");
    assert_eq!(survey["end"], "interrupted");
    assert!(parts(&survey, "done").starts_with(&["selftest", "ceilings"]), "{survey}");
    assert!(ended.stdout.contains("GFLOP/s at most, CPU path"), "{ended:?}");
}

#[test]
fn a_killed_survey_is_whole_up_to_there() {
    let scratch = Scratch::new();
    let (mut survey, ..) = begun(&scratch);
    survey.child().kill().unwrap();
    drop(survey.ended());
    let survey = check(&scratch, "survey");
    assert_eq!(survey["end"], "running");
    assert!(parts(&survey, "done").starts_with(&["selftest"]) && parts(&survey, "running").len() == 1, "{survey}");
    let compared = scratch.succeed("survey --compare survey.json");
    assert!(compared.stdout.contains("surveyed") && compared.stdout.contains("the CPU path"), "{compared:?}");
}

/// A survey with one speed, as the files have it.
fn one(scratch: &Scratch) -> Value {
    scratch.succeed("survey --model tiny.toml --adapter cpu --minutes 0.00001 -q");
    let mut survey = read(&scratch.path("survey.json"));
    survey["bench"] = json!([{
        "on": "cpu", "model": "tiny", "batch_size": 512, "tiles": "table", "steps": 9, "seconds_per_step": 0.5,
        "seconds_per_step_of_repeats": [0.5], "images_per_second": 1024.0, "operations_per_step": 7,
        "operations_per_second": 14.0, "memory_bytes": 5, "start_up_seconds": 0.1, "tolerance_used": null,
    }]);
    survey
}

#[test]
fn surveys_are_set_side_by_side() {
    let scratch = Scratch::new();
    let mut survey = one(&scratch);
    let write = |name: &str, survey: &Value| fs::write(scratch.path(name), survey.to_string()).unwrap();
    write("a.json", &survey);
    survey["bench"][0]["images_per_second"] = 123_456.0.into();
    survey["a key of a later version"] = json!({ "of": [1, 2] });
    write("b.json", &survey);
    survey["bench"] = json!([]);
    survey["processor"] = "<b>a & b</b>".into();
    write("c.json", &survey);
    let compared = scratch.succeed("survey --compare a.json b.json c.json -o all.html");
    let row = compared.stdout.lines().find(|line| line.starts_with("images/s, tiny, 512, CPU path")).unwrap();
    assert!(
        row.split("  ").filter(|cell| !cell.is_empty()).map(str::trim).skip(1).eq(["1,024", "123,456", "-"]),
        "{row}"
    );
    let heading: Vec<&str> = compared.stdout.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(heading, ["a", "b", "c"]);
    let page = fs::read_to_string(scratch.path("all.html")).unwrap();
    assert!(page.contains("<td>123,456</td>") && page.contains("<svg") && !page.contains("<b>a"), "{page}");
}

/// Of an older version of the program, which knew f32 only.
#[test]
fn a_survey_without_precisions_is_one_of_f32() {
    let scratch = Scratch::new();
    let old = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/surveys/h100.json")).unwrap();
    let mut old: Value = serde_json::from_str(&old).unwrap();
    for part in ["bench", "train"] {
        let all = old[part].as_array_mut().unwrap();
        all.retain(|one| one["precision"] == "f32");
        assert!(!all.is_empty());
        all.iter_mut().for_each(|one| drop(one.as_object_mut().unwrap().remove("precision")));
    }
    fs::write(scratch.path("h100.json"), old.to_string()).unwrap();
    let mut survey = one(&scratch);
    let modes = ["bf16", "f16"].map(|precision| {
        let mut speed = survey["bench"][0].clone();
        (speed["precision"], speed["memory_bytes"]) = (precision.into(), 2_500_000.into());
        speed
    });
    survey["bench"].as_array_mut().unwrap().extend(modes);
    fs::write(scratch.path("new.json"), survey.to_string()).unwrap();
    let compared = scratch.succeed("survey --compare h100.json new.json -o both.html");
    let row = |name: &str| {
        let line = compared.stdout.lines().find(|line| line.starts_with(&format!("{name}  "))).unwrap();
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).skip(1).collect::<Vec<_>>()
    };
    assert_ne!(row("images/s, cnn1, 512")[0], "-");
    assert_eq!(row("images/s, tiny, 512, bf16, CPU path"), ["-", "1,024"]);
    assert_eq!(row("MB, tiny, 512, CPU path"), ["-", "0.0"]);
    assert_eq!(row("MB, tiny, 512, f16, CPU path"), ["-", "2.5"]);
    assert!(!compared.stdout.contains("MB, cnn1"), "{compared:?}");
}

#[test]
fn what_is_no_survey_is_refused_in_one_line() {
    let scratch = Scratch::new();
    let survey = one(&scratch);
    let refused = |bytes: &[u8], part: &str| {
        fs::write(scratch.path("bad.json"), bytes).unwrap();
        let ended = scratch.run("survey --compare survey.json bad.json");
        ended.failed(3, part);
        assert!(ended.stderr.contains("bad.json: ") && ended.stderr.contains("'gpu-fmnist survey'"), "{ended:?}");
        assert!(ended.stdout.is_empty() && ended.stderr.lines().count() == 1, "{ended:?}");
    };
    let changed = |path: &str, value: Value, part: &str| {
        let mut other = survey.clone();
        *other.pointer_mut(path).unwrap() = value;
        refused(other.to_string().as_bytes(), part);
    };
    changed("/version", 2.into(), "a survey of version 2, and this program reads version 1");
    changed("/format", "another".into(), "no survey");
    changed("/bench/0/images_per_second", 0.into(), "images_per_second 0 cannot be");
    changed("/bench/0/images_per_second", json!(-1e300), "images_per_second");
    changed("/bench/0/model", "\u{1b}[2J".into(), "is no text of one");
    changed("/bench/0/model", "x".repeat(5000).into(), "is no text of one");
    changed("/bench/0/on", "moon".into(), "no whole survey (");
    changed("/surveyed", 3.into(), "none of its adapters");
    changed("/bench", Value::Null, "no whole survey (");
    for bytes in [
        &b""[..],
        b"{}",
        b"[1, 2]",
        b"null",
        b"{\"format\": 7}",
        b"<html></html>",
        b"\x89PNG\r\n\x1a\n\0\0",
        b"\xff\xfe",
    ] {
        refused(bytes, "no survey");
    }
    refused("[".repeat(200_000).as_bytes(), "no survey");
    refused(&survey.to_string().as_bytes()[..300], "no ");
    refused(format!("{survey}{}", " ".repeat(5 << 20)).as_bytes(), "larger than the 4 MB that are read");
    scratch.run("survey --compare survey.json nowhere.json").failed(3, "nowhere.json: cannot be read (");
    scratch.run("survey --compare survey.json data").failed(3, "data: cannot be read (not a file)");
}

#[test]
fn a_survey_that_cannot_be_made_is_refused_at_once() {
    let scratch = Scratch::new();
    fs::write(scratch.path("mine.json"), "{}").unwrap();
    for (options, code, part) in [
        ("-o mine.json", 2, "--output mine.json: there is such a file, which is no survey; choose another name"),
        ("-o mine.txt", 2, "--output mine.txt: give a name that ends in .json"),
        ("-o nowhere/mine.json", 1, "nowhere/mine.json: cannot be written ("),
        ("--model cnn4", 2, "did you mean \"cnn1\"?"),
        ("--compare mine.json -o mine.json", 2, "--output mine.json: give a name that ends in .html"),
    ] {
        let adapter = if options.contains("--compare") { "" } else { " --adapter cpu" };
        let ended = scratch.run(&format!("survey {options}{adapter}"));
        ended.failed(code, part);
        assert!(ended.stdout.is_empty(), "{ended:?}");
    }
    scratch.run("survey --adapter nonesuch").failed(4, "--adapter nonesuch: no such adapter; there are: ");
    for options in
        ["--minutes 0", "--minutes x", "--minutes -1", "--minutes nan", "--compare a --minutes 3", "--compare"]
    {
        assert_eq!(scratch.run(&format!("survey {options}")).code, Some(2), "{options}");
    }
    assert_eq!(fs::read(scratch.path("mine.json")).unwrap(), b"{}");
}
