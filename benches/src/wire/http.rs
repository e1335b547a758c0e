//! HTTP/1.1 with one request after the other on a connection that stays open, and answers that tell their length.

use std::fmt::Write;

use anyhow::{Context, ensure};

use super::Wire;

const HEAD_END: &[u8] = b"\r\n\r\n";
/// `HTTP/1.1 200`: the status is three digits behind this.
const STATUS_AT: usize = "HTTP/1.1 ".len();

/// A connection. Requests are sent as they are; an answer is its head and its body.
#[derive(Clone, Copy, Debug, Default)]
pub struct Http;

impl Wire for Http {
    fn send(&mut self, request: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(request);
    }

    fn receive(&mut self, input: &[u8], _: &mut Vec<u8>, answers: &mut Vec<Vec<u8>>) -> anyhow::Result<usize> {
        let mut taken = 0;
        while let Some(head) = head_len(&input[taken..]) {
            let len = head + body_len(&input[taken..taken + head])?;
            let Some(answer) = input.get(taken..taken + len) else { break };
            answers.push(answer.to_vec());
            taken += len;
        }
        Ok(taken)
    }
}

/// A request without a body.
pub fn get(host: &str, path: &str, token: Option<&str>) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{}\r\n", authorization(token)).into_bytes()
}

/// A request with a body of JSON.
pub fn post(host: &str, path: &str, token: Option<&str>, body: &serde_json::Value) -> Vec<u8> {
    let body = body.to_string();
    let mut request = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\n{}", authorization(token));
    let _ = write!(request, "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    request.into_bytes()
}

/// The status of an answer.
pub fn status(answer: &[u8]) -> anyhow::Result<u16> {
    let digits = answer.get(STATUS_AT..STATUS_AT + 3).context("an answer without a status")?;
    Ok(str::from_utf8(digits)?.parse()?)
}

/// The body of an answer.
pub fn body(answer: &[u8]) -> &[u8] {
    answer.get(head_len(answer).unwrap_or(answer.len())..).unwrap_or_default()
}

/// The JSON of an answer that went well.
///
/// # Errors
///
/// Any other answer, with what it says.
pub fn json(answer: &[u8]) -> anyhow::Result<serde_json::Value> {
    let (status, body) = (status(answer)?, body(answer));
    ensure!((200..300).contains(&status), "the server answers {status}: {}", String::from_utf8_lossy(body));
    Ok(serde_json::from_slice(body)?)
}

fn authorization(token: Option<&str>) -> String {
    token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default()
}

/// The length of the head at the front with the empty line behind it; `None` where it is not all there.
fn head_len(input: &[u8]) -> Option<usize> {
    input.windows(HEAD_END.len()).position(|bytes| bytes == HEAD_END).map(|at| at + HEAD_END.len())
}

/// The length of the body behind a head.
fn body_len(head: &[u8]) -> anyhow::Result<usize> {
    let mut lines = str::from_utf8(head)?.split("\r\n");
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse())
    });
    match length {
        Some(length) => Ok(length?),
        None => {
            ensure!(status(head)? == 204, "an answer that does not tell its length");
            Ok(0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_once_it_is_all_there() {
        let bytes = b"HTTP/1.1 200 OK\r\ncontent-Length: 4\r\nx: y\r\n\r\n\r\n{}HTTP/1.1 204 No Content\r\n\r\n";
        let (first, all) = (bytes.len() - 27, bytes.len());
        for cut in 0..=all {
            let mut answers = Vec::new();
            let taken = Http.receive(&bytes[..cut], &mut Vec::new(), &mut answers).expect("no error");
            let expected = [(0, 0), (first, 1), (all, 2)][usize::from(cut >= first) + usize::from(cut == all)];
            assert_eq!((taken, answers.len()), expected, "cut at {cut}");
        }
        let mut answers = Vec::new();
        Http.receive(bytes, &mut Vec::new(), &mut answers).expect("no error");
        assert_eq!((status(&answers[0]).expect("a status"), body(&answers[0])), (200, &b"\r\n{}"[..]));
        assert_eq!((status(&answers[1]).expect("a status"), body(&answers[1])), (204, &b""[..]));
    }

    #[test]
    fn an_answer_without_an_end_is_refused() {
        let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        assert!(Http.receive(chunked, &mut Vec::new(), &mut Vec::new()).is_err());
    }
}
