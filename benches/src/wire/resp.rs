//! Redis' own protocol, version 2: requests are arrays of strings, answers are typed by their first byte.

use anyhow::{Context, bail};

use super::Wire;

/// A connection to Redis. Answers come in the order of the requests, which are sent as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resp;

impl Wire for Resp {
    fn send(&mut self, request: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(request);
    }

    fn receive(&mut self, input: &[u8], _: &mut Vec<u8>, answers: &mut Vec<Vec<u8>>) -> anyhow::Result<usize> {
        let mut taken = 0;
        while let Some(len) = answer_len(&input[taken..])? {
            answers.push(input[taken..taken + len].to_vec());
            taken += len;
        }
        Ok(taken)
    }
}

/// Appends a command with its arguments.
pub fn command(arguments: &[&[u8]], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("*{}\r\n", arguments.len()).as_bytes());
    for argument in arguments {
        out.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        out.extend_from_slice(argument);
        out.extend_from_slice(b"\r\n");
    }
}

/// The strings and numbers of an answer, in order, without the arrays around them; `None` for what there is not.
pub fn items(mut answer: &[u8]) -> anyhow::Result<Vec<Option<&[u8]>>> {
    let mut items = Vec::new();
    while !answer.is_empty() {
        let (line, len) = line(answer)?.context("an answer that ends early")?;
        answer = &answer[len..];
        match (line[0], number(&line[1..])) {
            (b'+' | b':', _) => items.push(Some(&line[1..])),
            (b'$' | b'*', Ok(-1)) => items.push(None),
            (b'$', Ok(len)) => {
                let len = len as usize;
                items.push(Some(answer.get(..len).context("a string that ends early")?));
                answer = answer.get(len + 2..).context("a string that ends early")?;
            }
            (b'*', Ok(_)) => {}
            _ => bail!("an answer of an unknown type: {}", String::from_utf8_lossy(line)),
        }
    }
    Ok(items)
}

/// The length of the answer at the front; `None` where it is not all there.
fn answer_len(input: &[u8]) -> anyhow::Result<Option<usize>> {
    let (mut at, mut expected) = (0, 1_u64);
    while expected > 0 {
        let Some((line, len)) = line(&input[at..])? else { return Ok(None) };
        at += len;
        expected -= 1;
        match line[0] {
            b'+' | b':' => {}
            b'$' => at += usize::try_from(number(&line[1..])?).map_or(0, |len| len + 2),
            b'*' => expected += u64::try_from(number(&line[1..])?).unwrap_or(0),
            _ => bail!("redis refuses: {}", String::from_utf8_lossy(line)),
        }
        if at > input.len() {
            return Ok(None);
        }
    }
    Ok(Some(at))
}

/// The line at the front, and its length with its end.
fn line(input: &[u8]) -> anyhow::Result<Option<(&[u8], usize)>> {
    match input.iter().position(|byte| *byte == b'\n') {
        Some(end) if end >= 2 => Ok(Some((&input[..end - 1], end + 1))),
        Some(_) => bail!("an empty line"),
        None => Ok(None),
    }
}

/// A decimal number.
fn number(digits: &[u8]) -> anyhow::Result<i64> {
    let text = str::from_utf8(digits)?;
    text.parse().with_context(|| format!("{text:?} is not a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_once_it_is_all_there() {
        let bytes = b"*3\r\n$2\r\n17\r\n$-1\r\n:5\r\n+OK\r\n";
        for cut in 0..bytes.len() {
            let mut answers = Vec::new();
            let taken = Resp.receive(&bytes[..cut], &mut Vec::new(), &mut answers).expect("no error");
            assert_eq!((taken, answers.len()), if cut < 21 { (0, 0) } else { (21, 1) }, "cut at {cut}");
        }
        let mut answers = Vec::new();
        assert_eq!(Resp.receive(bytes, &mut Vec::new(), &mut answers).expect("no error"), bytes.len());
        assert_eq!(items(&answers[0]).expect("whole"), [Some(&b"17"[..]), None, Some(b"5")]);
        assert!(Resp.receive(b"-ERR no\r\n", &mut Vec::new(), &mut answers).is_err());
    }
}
