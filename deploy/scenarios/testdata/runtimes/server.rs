use std::env;
use std::io::{Read, Write};
use std::net::TcpListener;

fn main() -> std::io::Result<()> {
    let answer = format!("HTTP/1.0 200 OK\r\n\r\nworker {}", env::var("NODE_APP_INSTANCE").unwrap());
    let listener = TcpListener::bind(format!("127.0.0.1:{}", env::var("PORT").unwrap()))?;
    for connection in listener.incoming() {
        let mut connection = connection?;
        let mut request = [0; 1024];
        let _ = connection.read(&mut request);
        let _ = connection.write_all(answer.as_bytes());
    }
    Ok(())
}
