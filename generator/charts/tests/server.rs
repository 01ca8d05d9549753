//! A server on this machine whose every byte the test decides.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// What a client asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// With its query.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// How often this path was asked for before.
    pub before: usize,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

type Handler = dyn Fn(&Asked, &mut TcpStream) + Send + Sync;

/// Runs until it is dropped.
pub struct Server {
    pub address: SocketAddr,
    log: Arc<Mutex<Vec<Asked>>>,
    stopped: Arc<AtomicBool>,
}

impl Server {
    pub fn start(handler: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (log, stopped) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let counts: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
        let handler: Arc<Handler> = Arc::new(handler);
        let (its_log, its_stopped) = (Arc::clone(&log), Arc::clone(&stopped));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if its_stopped.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let (log, counts, handler) = (Arc::clone(&its_log), Arc::clone(&counts), Arc::clone(&handler));
                std::thread::spawn(move || serve(stream, &log, &counts, &*handler));
            }
        });
        Server { address, log, stopped }
    }

    /// Answers from a table of paths; anything else is not found.
    pub fn of(files: Vec<(&str, Vec<u8>)>) -> Server {
        let files: HashMap<String, Vec<u8>> = files.into_iter().map(|(path, bytes)| (path.to_owned(), bytes)).collect();
        Server::start(move |asked, stream| match files.get(&asked.path) {
            Some(bytes) => answer(stream, 200, &[], bytes),
            None => answer(stream, 404, &[], b"nothing here"),
        })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The same server under another name.
    pub fn other_url(&self) -> String {
        format!("http://localhost:{}", self.address.port())
    }

    pub fn host(&self) -> String {
        self.address.to_string()
    }

    pub fn log(&self) -> Vec<Asked> {
        self.log.lock().unwrap().clone()
    }

    pub fn paths(&self) -> Vec<String> {
        self.log().into_iter().map(|asked| asked.path).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<Asked>>, counts: &Mutex<HashMap<String, usize>>, handler: &Handler) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
            break;
        }
        let (key, value) = line.split_once(':').unwrap_or((&line, ""));
        headers.push((key.trim().to_owned(), value.trim().to_owned()));
    }
    let mut asked = Asked { method, path, headers, body: String::new(), before: 0 };
    let length = asked.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_ok() {
        asked.body = String::from_utf8_lossy(&body).into_owned();
    }
    let count = {
        let mut counts = counts.lock().unwrap();
        let count = counts.entry(asked.path.clone()).or_insert(0);
        *count += 1;
        *count - 1
    };
    asked.before = count;
    log.lock().unwrap().push(asked.clone());
    handler(&asked, &mut stream);
}

/// The head of an answer.
pub fn head(stream: &mut TcpStream, status: u16, headers: &[(&str, &str)]) {
    let mut text = format!("HTTP/1.1 {status} Whatever\r\nConnection: close\r\n");
    for (key, value) in headers {
        text += &format!("{key}: {value}\r\n");
    }
    let _ = stream.write_all(format!("{text}\r\n").as_bytes());
}

/// A whole answer.
pub fn answer(stream: &mut TcpStream, status: u16, headers: &[(&str, &str)], body: &[u8]) {
    let length = body.len().to_string();
    let mut all = headers.to_vec();
    all.push(("Content-Length", &length));
    head(stream, status, &all);
    let _ = stream.write_all(body);
}

/// An answer that says more than it brings: the connection ends after so many bytes.
pub fn cut(stream: &mut TcpStream, headers: &[(&str, &str)], body: &[u8], after: usize) {
    let length = body.len().to_string();
    let mut all = headers.to_vec();
    all.push(("Content-Length", &length));
    head(stream, 200, &all);
    let _ = stream.write_all(&body[..after]);
}

/// Answers a request for a part, as servers do that know how.
pub fn part(asked: &Asked, stream: &mut TcpStream, headers: &[(&str, &str)], body: &[u8]) {
    let start =
        asked.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    match start {
        Some(start) if start < body.len() => {
            let range = format!("bytes {start}-{}/{}", body.len() - 1, body.len());
            let mut all = headers.to_vec();
            all.push(("Content-Range", &range));
            answer(stream, 206, &all, &body[start..]);
        }
        Some(_) => answer(stream, 416, headers, b""),
        None => answer(stream, 200, headers, body),
    }
}
