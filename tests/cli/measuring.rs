//! `bench` and `profile`: what they print and write, on the CPU path and on the tests' Vulkan driver.

use std::fs;

use serde_json::Value;

use crate::support::{Ended, Scratch, ended, names};

/// Runs what must succeed on the Vulkan driver that these tests run on.
#[track_caller]
fn on_the_tests_driver(scratch: &Scratch, arguments: &str) -> Ended {
    ended(scratch.on_the_tests_driver(arguments).output().unwrap()).succeeded(arguments)
}

#[track_caller]
fn positive(value: &Value, key: &str) -> f64 {
    let number = value[key].as_f64().filter(|number| number.is_finite() && *number > 0.0);
    number.unwrap_or_else(|| panic!("{key} is no positive number in {value}"))
}

/// A profile of four steps: shares add up, rates stay within reason, and the trace has an event for each pass and step.
#[track_caller]
fn check_profile(scratch: &Scratch, profile: &Value, passes: usize) {
    let all = profile["kernels"].as_array().unwrap();
    assert_eq!(all.len(), passes, "{profile}");
    let sum = |key: &str| all.iter().map(|pass| pass[key].as_f64().unwrap()).sum::<f64>();
    assert!((sum("share") - 1.0).abs() < 1e-9, "{profile}");
    assert!((sum("seconds") - positive(profile, "seconds_of_passes")).abs() < 1e-12, "{profile}");
    all.iter().for_each(|pass| assert!(positive(pass, "seconds") < 1.0 && positive(pass, "bytes") > 3.0, "{pass}"));
    let ceilings = &profile["ceilings"];
    assert!((1e7..1e15).contains(&positive(ceilings, "operations_per_second")), "{ceilings}");
    assert!((1e7..1e14).contains(&positive(ceilings, "bytes_per_second")), "{ceilings}");
    // What the host adds cannot be more than all there is.
    let part = |key: &str| profile[key].as_f64().unwrap();
    assert!(part("share_of_host") < 1.0 && (0.0..1.0).contains(&part("share_of_gaps")), "{profile}");

    let folder = scratch.path("out");
    assert_eq!(names(&folder), ["roofline.png", "roofline.svg", "trace.json"]);
    assert!(fs::read(folder.join("roofline.png")).unwrap().starts_with(b"\x89PNG\r\n\x1a\n"));
    let svg = fs::read_to_string(folder.join("roofline.svg")).unwrap();
    assert!(svg.contains("conv2d conv_forward") && svg.trim_end().ends_with("</svg>"), "{svg}");
    let trace: Value = serde_json::from_slice(&fs::read(folder.join("trace.json")).unwrap()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let of_track = |track| events.iter().filter(move |event| event["ph"] == "X" && event["tid"] == track);
    assert_eq!((of_track(0).count(), of_track(1).count()), (1, 4 * passes));
    let mut end = 0.0;
    for event in of_track(1) {
        let start = event["ts"].as_f64().unwrap();
        assert!(start >= end - 1e-3 && positive(event, "dur") > 0.0, "{event} begins before {end}");
        end = start + positive(event, "dur");
    }
}

#[test]
fn a_profile_has_every_pass() {
    let scratch = Scratch::new();
    let arguments = "profile --model tiny.toml --batch-size 64 --steps 4 --json -o out --adapter";
    // conv2d and dense layers: forward, gradients (none of the images); gather, dropout, loss, Adam and advance.
    let cpu = scratch.succeed(&format!("{arguments} cpu")).json().remove(0);
    assert_eq!((&cpu["adapter"]["backend"], &cpu["clock"]), (&"cpu".into(), &"host".into()));
    check_profile(&scratch, &cpu, 13);
    // 6 x 6 positions, 9 taps and 4 filters of 64 images.
    let forward = cpu["kernels"].as_array().unwrap().iter().find(|pass| pass["kernel"] == "conv_forward").unwrap();
    assert_eq!(forward["operations"], 2 * 64 * 36 * 9 * 4);
    let gather = &cpu["kernels"][0];
    // A batch of bytes and labels, its order and progress, and what is made of them.
    assert_eq!(
        (&gather["kernel"], &gather["bytes"]),
        (&"gather".into(), &(64 * (64 + 1 + 4 + 4 * 64 + 4) + 24).into())
    );

    let first = on_the_tests_driver(&scratch, &format!("{arguments} 0")).json().remove(0);
    assert_ne!(first["adapter"]["backend"], "cpu");
    check_profile(&scratch, &first, 13);
}

/// Layers that go through the batch in parts, as some tiles have it: each part is in the trace, under its own name.
#[test]
fn a_trace_names_every_part() {
    let scratch = Scratch::new();
    let arguments = "profile --model cnn2 --batch-size 128 --steps 2 --adapter 0 --json -o out";
    let profile = on_the_tests_driver(&scratch, arguments).json().remove(0);
    let trace: Value = serde_json::from_slice(&fs::read(scratch.path("out/trace.json")).unwrap()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let mut named = 0;
    for kernel in profile["kernels"].as_array().unwrap() {
        let name = format!("{} {}", kernel["layer"].as_str().unwrap(), kernel["kernel"].as_str().unwrap());
        let count = events.iter().filter(|event| event["tid"] == 1 && event["name"] == name.as_str()).count();
        assert_eq!(count as u64, 2 * kernel["passes"].as_u64().unwrap(), "{name}: {profile}");
        named += count;
    }
    assert_eq!(events.iter().filter(|event| event["tid"] == 1 && event["ph"] == "X").count(), named);
}

#[test]
fn a_profile_can_be_sorted() {
    let scratch = Scratch::new();
    let arguments = "profile --model tiny.toml --batch-size 64 --steps 2 --adapter cpu --sort time";
    let table = scratch.succeed(arguments).stdout;
    let rows = table.lines().filter(|line| line.contains(" % ") && !line.starts_with("all ") && !line.contains(':'));
    let shares: Vec<f64> = rows.map(|row| row.split_whitespace().nth(4).unwrap().parse().unwrap()).collect();
    assert!(shares.len() == 13 && shares.is_sorted_by(|one, next| one >= next), "{table}");
    assert!(table.contains("a step as training submits it: "), "{table}");
}

/// The parts of a step are on paper what they are on a device, and cards are told apart.
#[test]
fn a_step_can_be_modelled_on_cards_that_are_not_there() {
    let scratch = Scratch::new();
    let arguments = "profile --model tiny.toml --batch-size 64 --model-gpu rtx-3060,h100";
    let model = scratch.succeed(&format!("{arguments} --json")).json().remove(0);
    let cards = model["cards"].as_array().unwrap();
    let keys: Vec<&str> = cards.iter().map(|card| card["card"].as_str().unwrap()).collect();
    assert_eq!(keys, ["rtx-3060", "h100"]);
    assert!(positive(&model["assumed"], "seconds_between_passes") < 1e-4, "{model}");
    for card in cards {
        let passes = card["passes"].as_array().unwrap();
        let sum: f64 = passes.iter().map(|pass| positive(pass, "seconds")).sum();
        assert!((sum - positive(card, "seconds_of_step")).abs() < 1e-12 && passes.len() > 8, "{card}");
        assert!((64.0 / sum - positive(card, "images_per_second")).abs() < 1e-3, "{card}");
    }
    assert!(positive(&cards[0], "seconds_of_step") > positive(&cards[1], "seconds_of_step"), "{model}");
    let text = scratch.succeed(arguments).stdout;
    assert!(text.contains("no measurement") && text.contains("rtx-3060, us") && text.contains("images/s"), "{text}");
    let unknown = scratch.run("profile --model-gpu rtx-1");
    assert!(unknown.code == Some(2) && unknown.stderr.contains("arc-a770"), "{unknown:?}");
}

#[test]
fn a_bench_compares_adapters() {
    let scratch = Scratch::new();
    let arguments = "bench --model tiny.toml --batch-size 64 --steps 4 --repeats 5 --json --adapter cpu,0";
    let bench = on_the_tests_driver(&scratch, arguments).json().remove(0);
    let backend = |adapter: usize| &bench["adapters"][adapter]["about"]["backend"];
    assert!(backend(0) == "cpu" && backend(1) != "cpu", "{bench}");
    let results = bench["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        assert_eq!((&result["model"], &result["steps"]), (&"tiny".into(), &4.into()));
        let times = result["seconds_per_step_of_repeats"].as_array().unwrap();
        let seconds = positive(result, "seconds_per_step");
        assert!(times.len() == 5 && times.iter().any(|time| time.as_f64() == Some(seconds)), "{result}");
        assert!((positive(result, "images_per_second") * seconds - 64.0).abs() < 1e-6, "{result}");
        assert!((0.0..2.0).contains(&positive(result, "of_ceiling")), "{result}");
        assert!(positive(result, "memory_bytes") > 64.0 * 64.0 * 4.0);
    }
    assert_eq!((&results[0]["tolerance_used"], results[0]["ratio"].as_f64()), (&Value::Null, Some(1.0)));
    let used = results[1]["tolerance_used"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&used), "{used}");
}

#[test]
fn a_bench_prints_a_row_a_model() {
    let scratch = Scratch::new();
    let bench = scratch.succeed("bench --model tiny.toml,tiny.toml -b 32 --steps 1 --repeats 5 --adapter cpu");
    assert_eq!(bench.stdout.lines().filter(|line| line.starts_with("tiny ")).count(), 2, "{bench:?}");
    assert!(bench.stdout.contains("1: the CPU path\n   at most "), "{bench:?}");
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let scratch = Scratch::new();
    for command in ["bench", "profile"] {
        for (options, code, part) in [
            ("--model cnn4", 2, "did you mean \"cnn1\"?"),
            ("--batch-size 0", 2, "--batch-size 0"),
            ("--batch-size 99999999999", 2, "--batch-size 99999999999: too large; give at most"),
            ("--adapter nonesuch", 4, "--adapter nonesuch: no such adapter; there are: "),
        ] {
            let adapter = if options.contains("--adapter") { "" } else { " --adapter cpu" };
            let ended = scratch.run(&format!("{command} {options}{adapter}"));
            ended.failed(code, part);
            assert!(ended.stdout.is_empty(), "{ended:?}");
        }
        for options in ["--steps 0", "--steps x", "--batch-size -1"] {
            assert_eq!(scratch.run(&format!("{command} {options}")).code, Some(2), "{command} {options}");
        }
    }
    assert_eq!(scratch.run("bench --repeats 4").code, Some(2));
    fs::write(scratch.path("file"), "in the way").unwrap();
    scratch.run("profile --model tiny.toml --adapter cpu --steps 1 -o file").failed(1, "file: cannot be made (");
}

/// Interrupts a measurement that would take minutes.
#[cfg(unix)]
#[test]
fn an_interrupt_ends_a_measurement() {
    use std::time::Duration;

    use crate::support::{Running, Signal};

    let scratch = Scratch::new();
    for arguments in ["bench --steps 10000 --adapter cpu", "profile --steps 1000 --batch-size 4096 --adapter cpu"] {
        let mut measurement = Running::start(&mut scratch.command(arguments));
        // Long enough to be past the start, where the signal would end any process.
        std::thread::sleep(Duration::from_millis(1500));
        measurement.send(Signal::SIGINT);
        let stopped = measurement.ended();
        assert_eq!((stopped.code, stopped.stdout.as_str()), (Some(130), ""), "{stopped:?}");
        assert!(stopped.stderr.ends_with("interrupted; nothing was measured to the end\n"), "{stopped:?}");
    }
}
