//! PostgreSQL's protocol, version 3: messages with a type, a length and a body, and one that says "ready" behind each
//! answer.

use anyhow::{Context, bail};

use super::Wire;

/// The type of 32-bit numbers, and of arrays of them.
pub const INT4: u32 = 23;
/// The type of 64-bit numbers.
pub const INT8: u32 = 20;
/// See [`INT4`].
pub const INT4_ARRAY: u32 = 1007;
/// The name under which each connection prepares its one statement.
const STATEMENT: &[u8] = b"question\0";

/// A connection to PostgreSQL. Answers come in the order of the requests, which are sent as they are; an answer is all
/// messages up to "ready for query", or up to the one that asks for the rows of a `COPY`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Postgres;

impl Wire for Postgres {
    fn send(&mut self, request: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(request);
    }

    fn receive(&mut self, input: &[u8], _: &mut Vec<u8>, answers: &mut Vec<Vec<u8>>) -> anyhow::Result<usize> {
        let (mut taken, mut at) = (0, 0);
        while let Some((kind, body, len)) = message(&input[at..]) {
            at += len;
            match kind {
                b'E' => bail!("postgres refuses: {}", String::from_utf8_lossy(body).replace('\0', " ")),
                b'Z' | b'G' => {
                    answers.push(input[taken..at].to_vec());
                    taken = at;
                }
                _ => {}
            }
        }
        Ok(taken)
    }
}

/// The first message of a connection.
pub fn startup(user: &str) -> Vec<u8> {
    let body = format!("user\0{user}\0database\0{user}\0\0");
    let mut bytes = (body.len() as u32 + 8).to_be_bytes().to_vec();
    bytes.extend(196_608_u32.to_be_bytes());
    bytes.extend(body.as_bytes());
    bytes
}

/// Statements as text; the values of their answers are text too.
pub fn simple(sql: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(b'Q', &[sql.as_bytes(), b"\0"].concat(), &mut bytes);
    bytes
}

/// Prepares the connection's statement, whose parameters have these types.
pub fn prepare(sql: &str, types: &[u32]) -> Vec<u8> {
    let mut body = [STATEMENT, sql.as_bytes(), b"\0"].concat();
    body.extend((types.len() as u16).to_be_bytes());
    body.extend(types.iter().flat_map(|kind| kind.to_be_bytes()));
    let mut bytes = Vec::new();
    put(b'P', &body, &mut bytes);
    put(b'S', &[], &mut bytes);
    bytes
}

/// Executes the connection's statement with these values, each in its binary form.
pub fn execute(values: &[Vec<u8>]) -> Vec<u8> {
    // The unnamed portal; one format for all values; then the same for all results: binary.
    let mut body = [b"\0", STATEMENT, &[0, 1, 0, 1]].concat();
    body.extend((values.len() as u16).to_be_bytes());
    for value in values {
        body.extend((value.len() as u32).to_be_bytes());
        body.extend(value);
    }
    body.extend([0, 1, 0, 1]);
    let mut bytes = Vec::new();
    put(b'B', &body, &mut bytes);
    put(b'E', &[0; 5], &mut bytes);
    put(b'S', &[], &mut bytes);
    bytes
}

/// A number as a value.
pub fn int4(number: u32) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

/// A larger number as a value.
pub fn int8(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

/// An array of numbers as a value.
pub fn int4_array(numbers: &[u32]) -> Vec<u8> {
    // One dimension, no nulls, the type; its length, counted from 1.
    let head = [1, 0, INT4, numbers.len() as u32, 1];
    let items = numbers.iter().flat_map(|number| [4, *number]);
    head.into_iter().chain(items).flat_map(u32::to_be_bytes).collect()
}

/// Appends one piece of the rows of a `COPY`.
pub fn copy_data(rows: &[u8], out: &mut Vec<u8>) {
    put(b'd', rows, out);
}

/// The end of the rows of a `COPY`.
pub fn copy_done() -> Vec<u8> {
    let mut bytes = Vec::new();
    put(b'c', &[], &mut bytes);
    bytes
}

/// The first value of each row of an answer.
pub fn first_column(answer: &[u8]) -> anyhow::Result<Vec<&[u8]>> {
    Ok(columns::<1>(answer)?.into_iter().map(|[value]| value).collect())
}

/// The first values of each row of an answer, none of which is null.
pub fn columns<const N: usize>(answer: &[u8]) -> anyhow::Result<Vec<[&[u8]; N]>> {
    let (mut rows, mut rest) = (Vec::new(), answer);
    while let Some((kind, body, len)) = message(rest) {
        rest = &rest[len..];
        if kind == b'D' {
            let (mut values, mut at) = ([&[][..]; N], 2);
            for value in &mut values {
                let len = body.get(at..at + 4).context("a row without a value")?;
                let len = u32::from_be_bytes(len.try_into()?) as usize;
                *value = body.get(at + 4..at + 4 + len).context("a value that ends early")?;
                at += 4 + len;
            }
            rows.push(values);
        }
    }
    Ok(rows)
}

/// Appends a message.
fn put(kind: u8, body: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    out.extend((body.len() as u32 + 4).to_be_bytes());
    out.extend(body);
}

/// The message at the front: type, body and length; `None` where it is not all there.
fn message(input: &[u8]) -> Option<(u8, &[u8], usize)> {
    let len = u32::from_be_bytes(input.get(1..5)?.try_into().ok()?) as usize + 1;
    Some((input[0], input.get(5..len)?, len))
}
