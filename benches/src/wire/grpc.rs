//! gRPC over HTTP/2: one method on one connection, any number of calls of it under way.
//!
//! Written for one thing only, to ask as cheaply as the other protocols are asked, as load generators do: of the
//! headers of an answer only that they are there matters. A call that went well has a message, and one that did not has
//! none (its headers are its trailers), so the status need not be decoded.

use anyhow::{Context, bail, ensure};

use super::Wire;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEAD: usize = 9;
/// The largest window that there can be.
const WINDOW_MAX: u32 = (1 << 31) - 1;
/// The window of a connection before anything is said about it.
const WINDOW_DEFAULT: i64 = 65_535;
/// Bytes received before the window is opened again.
const WINDOW_STEP: u32 = 1 << 30;
/// Bytes before a message: whether it is compressed, and its length.
const MESSAGE_HEAD: usize = 5;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

/// The flag that ends a stream on `DATA` and `HEADERS`, and acknowledges `SETTINGS` and `PING`.
const END_STREAM_OR_ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const SETTING_INITIAL_WINDOW: u16 = 4;

/// A connection on which one method is called.
#[derive(Debug)]
pub struct Grpc {
    /// The headers of the first call, which the server remembers, and of all others, which refer to them.
    first_headers: Vec<u8>,
    next_stream: u32,
    /// Bytes that may be sent before the server says more.
    window: i64,
    /// Requests that wait for the window.
    waiting: Vec<u8>,
    received: u32,
    /// The message of each call under way, as far as it has come.
    calls: Vec<(u32, Vec<u8>)>,
}

impl Grpc {
    /// For calls of a method, given as `/package.Service/Method`.
    pub fn new(path: &str) -> Self {
        // Literals that enter the server's table (HPACK, 6.2.1), with names from the static one where they are there.
        let mut headers = vec![0x83, 0x86];
        for (name, value) in [(&[0x44][..], path), (&[0x41], "localhost"), (b"\x40\x02te", "trailers")] {
            literal(name, value, &mut headers);
        }
        literal(&[0x5f], "application/grpc", &mut headers);
        Grpc {
            first_headers: headers,
            next_stream: 1,
            window: WINDOW_DEFAULT,
            waiting: Vec::new(),
            received: 0,
            calls: Vec::new(),
        }
    }

    /// Calls that the window has room for go out.
    fn send_waiting(&mut self, out: &mut Vec<u8>) {
        while self.waiting.len() >= 4 {
            let len = u32::from_be_bytes([self.waiting[0], self.waiting[1], self.waiting[2], self.waiting[3]]) as usize;
            if (len + MESSAGE_HEAD) as i64 > self.window {
                break;
            }
            let message: Vec<u8> = self.waiting.drain(..4 + len).skip(4).collect();
            self.call(&message, out);
        }
    }

    fn call(&mut self, message: &[u8], out: &mut Vec<u8>) {
        let stream = self.next_stream;
        self.next_stream += 2;
        if stream == 1 {
            out.extend(PREFACE);
            let settings = [&SETTING_INITIAL_WINDOW.to_be_bytes()[..], &WINDOW_MAX.to_be_bytes()].concat();
            frame(SETTINGS, 0, 0, &settings, out);
            frame(WINDOW_UPDATE, 0, 0, &(WINDOW_MAX - WINDOW_DEFAULT as u32).to_be_bytes(), out);
            frame(HEADERS, END_HEADERS, stream, &self.first_headers, out);
        } else {
            // POST, http, and the four literals by their places in the table: the newest is at 62.
            frame(HEADERS, END_HEADERS, stream, &[0x83, 0x86, 0x80 | 65, 0x80 | 64, 0x80 | 63, 0x80 | 62], out);
        }
        frame_head(DATA, END_STREAM_OR_ACK, stream, MESSAGE_HEAD + message.len(), out);
        out.push(0);
        out.extend((message.len() as u32).to_be_bytes());
        out.extend(message);
        self.window -= (MESSAGE_HEAD + message.len()) as i64;
        self.calls.push((stream, Vec::new()));
    }

    /// The message of a call that has ended.
    fn end(&mut self, stream: u32) -> anyhow::Result<Vec<u8>> {
        let place = self.calls.iter().position(|(id, _)| *id == stream).context("an answer to no call")?;
        let (_, mut message) = self.calls.swap_remove(place);
        ensure!(message.len() >= MESSAGE_HEAD, "the call was refused or took too long: its answer has no message");
        message.drain(..MESSAGE_HEAD);
        Ok(message)
    }
}

impl Wire for Grpc {
    fn send(&mut self, request: &[u8], out: &mut Vec<u8>) {
        if self.waiting.is_empty() && (request.len() + MESSAGE_HEAD) as i64 <= self.window {
            return self.call(request, out);
        }
        self.waiting.extend((request.len() as u32).to_be_bytes());
        self.waiting.extend(request);
    }

    fn receive(&mut self, input: &[u8], out: &mut Vec<u8>, answers: &mut Vec<Vec<u8>>) -> anyhow::Result<usize> {
        let mut taken = 0;
        while let Some(head) = input.get(taken..taken + FRAME_HEAD) {
            let len = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let (kind, flags) = (head[3], head[4]);
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            let Some(body) = input.get(taken + FRAME_HEAD..taken + FRAME_HEAD + len) else { break };
            taken += FRAME_HEAD + len;
            let flagged = flags & END_STREAM_OR_ACK != 0;
            match kind {
                DATA => {
                    let call = self.calls.iter_mut().find(|(id, _)| *id == stream).context("an answer to no call")?;
                    call.1.extend_from_slice(body);
                    self.received += len as u32;
                    if self.received >= WINDOW_STEP {
                        frame(WINDOW_UPDATE, 0, 0, &self.received.to_be_bytes(), out);
                        self.received = 0;
                    }
                }
                RESET_STREAM => bail!("the server broke a call off: {body:?}"),
                SETTINGS if !flagged => frame(SETTINGS, END_STREAM_OR_ACK, 0, &[], out),
                PING if !flagged => frame(PING, END_STREAM_OR_ACK, 0, body, out),
                GO_AWAY => bail!("the server goes away: {}", String::from_utf8_lossy(body)),
                WINDOW_UPDATE if stream == 0 => {
                    self.window += i64::from(u32::from_be_bytes(body.try_into()?));
                    self.send_waiting(out);
                }
                _ => {}
            }
            if matches!(kind, DATA | HEADERS) && flagged {
                answers.push(self.end(stream)?);
            }
        }
        Ok(taken)
    }
}

/// A header that is to be remembered: how its name is given, and its value, shorter than 127 bytes.
fn literal(name: &[u8], value: &str, out: &mut Vec<u8>) {
    out.extend(name);
    out.push(value.len() as u8);
    out.extend(value.as_bytes());
}

fn frame(kind: u8, flags: u8, stream: u32, body: &[u8], out: &mut Vec<u8>) {
    frame_head(kind, flags, stream, body.len(), out);
    out.extend(body);
}

fn frame_head(kind: u8, flags: u8, stream: u32, len: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&(len as u32).to_be_bytes()[1..]);
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
}
