use super::*;

const CONTENTS: [&[u8]; 2] = [b"the first file", b"the second file"];
const TWO_FILES: [RawFile; 2] = [
    RawFile { name: "first", length: 14, sha256: "e7939f0b60ab303a2a6e28784cf5c5811b98dfd7e5cab7ab2a0fb9c4b38e50cb" },
    RawFile { name: "second", length: 15, sha256: "1b8259a1385d5a8748e4a451eb03c65e790ed40bb65aeb3a238f833cf93a0604" },
];

/// Makes a whole response, head included, from the path of a request.
type Respond = fn(&str) -> Vec<u8>;

/// A web server on this machine that lasts as long as the test.
struct Server {
    address: String,
    requests: Arc<AtomicUsize>,
}

/// Starts a server that answers each request with what `respond` makes of its path.
fn serve(respond: Respond) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            counter.fetch_add(1, Ordering::Relaxed);
            let mut head = BufReader::new(stream.try_clone().unwrap()).lines().map_while(std::io::Result::ok);
            let request = head.next().unwrap_or_default();
            head.find(|line| line.is_empty());
            // The client may hang up as soon as it has seen enough.
            let _ = stream.write_all(&respond(request.split(' ').nth(1).unwrap_or_default()));
        }
    });
    Server { address, requests }
}

/// A response that promises `length` bytes and sends `body`.
fn response(length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn right(path: &str) -> Vec<u8> {
    let body = gzip(CONTENTS[usize::from(path == "/second.gz")]);
    response(body.len(), &body)
}

fn fetch(mirrors: &[&str], into: &Path) -> Result<()> {
    let sources = Sources { files: &TWO_FILES, mirrors, package: None };
    data::fetch_from(&sources, into, &mut |_| Ok(()))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = entries.collect();
    names.sort();
    names
}

#[test]
fn right_files_are_stored_and_reported() {
    let (server, folder) = (serve(right), tempdir().unwrap());
    let into = folder.path().join("made/on/the/way");
    let mut last = (String::new(), 0, None);
    let sources = Sources { files: &TWO_FILES, mirrors: &[&server.address], package: None };
    data::fetch_from(&sources, &into, &mut |progress| {
        assert_eq!(progress.source, server.address);
        last = (progress.file.to_owned(), progress.done, progress.total);
        Ok(())
    })
    .unwrap();
    assert_eq!(names(&into), ["first.gz", "second.gz"]);
    assert_eq!(fs::read(into.join("first.gz")).unwrap(), gzip(CONTENTS[0]));
    let length = gzip(CONTENTS[1]).len() as u64;
    assert_eq!(last, ("second".to_owned(), length, Some(length)));
}

#[test]
fn a_mirror_that_fails_is_followed_by_the_next() {
    let bad: [(&str, Respond); 6] = [
        ("wrong checksum", |_| response(10, b"wrong file")),
        ("wrong checksum", |_| response(gzip(b"wrong").len(), &gzip(b"wrong"))),
        ("wrong checksum", |_| response(20, &gzip(CONTENTS[0])[..20])),
        ("disconnected", |_| response(34, &gzip(CONTENTS[0])[..20])),
        ("limit", |_| response(1 << 20, &vec![0; 1 << 20])),
        ("HTTP status 404", |_| b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec()),
    ];
    for (reason, respond) in bad {
        let (server, folder) = (serve(respond), tempdir().unwrap());
        assert_data_error(fetch(&[&server.address], folder.path()), &folder.path().join("first"), reason);
        assert_eq!(names(folder.path()), [""; 0], "{reason}");
        assert_eq!(server.requests.load(Ordering::Relaxed), 2, "{reason}");

        fetch(&[&server.address, &serve(right).address], folder.path()).unwrap();
        assert_eq!(names(folder.path()), ["first.gz", "second.gz"], "{reason}");
    }
}

#[test]
fn a_mirror_that_does_not_answer_is_asked_once() {
    let (silent, folder) = (serve(|_| Vec::new()), tempdir().unwrap());
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refusing = format!("http://{refusing}/");
    let result = fetch(&[&silent.address, &refusing], folder.path());
    assert_eq!(silent.requests.load(Ordering::Relaxed), 1);
    let Err(Error::Data(message)) = &result else { panic!("{result:?}") };
    assert!(message.contains(&silent.address) && message.contains(&refusing), "{message}");
    assert!(message.ends_with("; place the four files in a folder and pass `data_dir`"), "{message}");
    assert_data_error(result, &folder.path().join("first"), "could not be fetched, tried ");
}

#[test]
fn files_that_are_right_are_kept_and_others_never_overwritten() {
    let (server, folder) = (serve(right), tempdir().unwrap());
    fs::write(folder.path().join("first"), CONTENTS[0]).unwrap();
    fetch(&[&server.address], folder.path()).unwrap();
    assert_eq!(names(folder.path()), ["first", "second.gz"]);
    assert_eq!(server.requests.load(Ordering::Relaxed), 1);

    let own = folder.path().join("second.gz");
    fs::write(&own, gzip(b"something else")).unwrap();
    assert_data_error(fetch(&[&server.address], folder.path()), &own, "the checksum is not Fashion-MNIST's");
    assert_eq!(fs::read(&own).unwrap(), gzip(b"something else"));
}

#[test]
fn the_caller_can_stop() {
    let (server, folder) = (serve(right), tempdir().unwrap());
    let sources = Sources { files: &TWO_FILES, mirrors: &[&server.address], package: None };
    let stop = &mut |_: &data::Progress| Err(Error::Interrupted("stopped".to_owned()));
    assert!(matches!(data::fetch_from(&sources, folder.path(), stop), Err(Error::Interrupted(_))));
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_folder_that_cannot_be_made_is_a_data_error() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    assert_data_error(fetch(&[], &file), &file, "the folder cannot be made");
}
