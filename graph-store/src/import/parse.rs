//! Lines of ids: edge lists (two a line) and vertex lists (one a line).
//!
//! # Format
//!
//! - A line ends with `\n` or `\r\n`; the last one need not.
//! - Ids are decimal numbers of up to 64 bits. Spaces, tabs and commas, in any mixture and number, stand between them
//!   and may stand before and after.
//! - Lines of nothing else, and lines whose first other character is `#`, are skipped.
//! - Anything more or less is an error that names the line and quotes it, such as `line 17: "12 x": not a number`. A
//!   column of weights is refused, too: what it means is not ours to guess.
//!
//! Bytes that are no ASCII are quoted as well as can be; nothing need be UTF-8.
//!
//! Graphs have billions of lines, so the lines are read where they lie, a [block](LineBlock) at a time, in one pass over
//! their bytes.

use std::io::{self, Read};

use super::batch::EdgeBatch;
use super::lines::{LineBlock, LineBlocks};

/// Bytes of a line at the most. A longer one is no line of ids.
pub const LINE_MAX_BYTES: usize = 64 << 10;
/// Characters of a malformed line that an error quotes.
pub const QUOTE_MAX_CHARACTERS: usize = 80;

/// Why no more lines come.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// A line is not what it should be.
    #[error("line {line}: {quote}: {problem}")]
    Malformed {
        /// The number of the line, from 1.
        line: u64,
        /// The text of the line, cut, escaped and in quotation marks.
        quote: String,
        /// What is wrong with it.
        problem: Problem,
    },
    /// The source ended before its time, or could not be read.
    #[error("line {line}: cannot be read")]
    Read {
        /// The number of the first line that did not come, from 1.
        line: u64,
        /// What the source said.
        source: io::Error,
    },
}

/// What is wrong with a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Problem {
    /// Something other than decimal digits.
    #[error("not a number")]
    NotANumber,
    /// A number that does not fit.
    #[error("a number of more than 64 bits")]
    TooLarge,
    /// Not enough ids.
    #[error("too few columns: {found} of {expected}")]
    TooFew {
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// Something after the last id.
    #[error("too many columns: more than {expected}")]
    TooMany {
        /// How many there should be.
        expected: usize,
    },
    /// A column of times with something else.
    #[error("not a time in seconds since 1970")]
    NotATime,
    /// A column of weights with something else.
    #[error("not a finite weight")]
    NotAWeight,
    /// A quotation mark that is not closed in the line it is in.
    #[error("a quotation mark is left open")]
    OpenQuote,
    /// More bytes than [`LINE_MAX_BYTES`].
    #[error("longer than {LINE_MAX_BYTES} bytes")]
    TooLong,
}

/// The edges of an edge list, as pairs of external ids.
pub type Edges<R> = Lines<R, 2>;

/// The ids of a vertex list.
pub type Vertices<R> = Lines<R, 1>;

/// Iterates over the lines of a source that hold ids, `IDS` of them each. Ends after the first error.
#[derive(Debug)]
pub struct Lines<R, const IDS: usize> {
    blocks: LineBlocks<R>,
    block: LineBlock,
    /// Where the next line begins in it.
    start: usize,
    /// The number of the next line, from 1.
    line: u64,
    failed: bool,
}

impl<R: Read, const IDS: usize> Lines<R, IDS> {
    /// The lines of `source`, which need not be buffered.
    pub fn new(source: R) -> Self {
        Lines { blocks: LineBlocks::new(source), block: LineBlock::default(), start: 0, line: 1, failed: false }
    }

    /// The number of lines read so far, those without ids included.
    pub fn lines_read(&self) -> u64 {
        self.line - 1
    }

    /// The ids of the next line; `None` where it has none.
    #[inline]
    fn parse_line(&mut self) -> Result<Option<[u64; IDS]>, ParseError> {
        let (ids, start) = ids_of_line(&self.block.bytes, self.start, self.line)?;
        self.start = start;
        self.line += 1;
        Ok(ids)
    }
}

impl<R: Read, const IDS: usize> Iterator for Lines<R, IDS> {
    type Item = Result<[u64; IDS], ParseError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            let step = if self.start < self.block.bytes.len() {
                self.parse_line()
            } else {
                match self.blocks.next_block() {
                    Ok(Some(block)) => {
                        (self.block, self.start) = (block, 0);
                        Ok(None)
                    }
                    Ok(None) => return None,
                    Err(error) => Err(error),
                }
            };
            match step {
                Ok(None) => {}
                Ok(Some(ids)) => return Some(Ok(ids)),
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

impl LineBlock {
    /// Appends the edges of lines that have two ids each.
    ///
    /// # Errors
    ///
    /// The first line that is malformed; the edges before it were appended.
    pub fn decode_ids(&self, into: &mut EdgeBatch) -> Result<(), ParseError> {
        let (mut start, mut line) = (0, self.line);
        while start < self.bytes.len() {
            let (ids, next) = ids_of_line(&self.bytes, start, line)?;
            into.edges.extend(ids.map(|[source, target]| (source, target)));
            start = next;
            line += 1;
        }
        Ok(())
    }
}

/// The ids of the line that begins at `start` and has this number, if it has any, and where the next one begins;
/// `lines` ends with a line end.
#[inline]
fn ids_of_line<const IDS: usize>(
    lines: &[u8],
    start: usize,
    line: u64,
) -> Result<(Option<[u64; IDS]>, usize), ParseError> {
    let malformed = |end: usize, problem| {
        let problem = if end - start > LINE_MAX_BYTES { Problem::TooLong } else { problem };
        ParseError::Malformed { line, quote: quote(&lines[start..end]), problem }
    };
    match parse_line(lines, start) {
        Ok((ids, end)) if end - start <= LINE_MAX_BYTES => Ok((ids, end + 1)),
        Ok((_, end)) => Err(malformed(end, Problem::TooLong)),
        Err(problem) => {
            let rest = &lines[start..];
            let end = start + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            Err(malformed(end, problem))
        }
    }
}

/// Parses the line that begins at `at`; `lines` ends with a line end. Answers with its ids, if any, and with the place
/// of its line end.
#[inline]
fn parse_line<const IDS: usize>(lines: &[u8], at: usize) -> Result<(Option<[u64; IDS]>, usize), Problem> {
    let mut ids = [0; IDS];
    let mut found = 0;
    let mut at = at;
    loop {
        at = skip(lines, at);
        match lines[at] {
            b'\n' if found == IDS => return Ok((Some(ids), at)),
            b'\n' if found == 0 => return Ok((None, at)),
            b'\n' => return Err(Problem::TooFew { expected: IDS, found }),
            b'\r' if lines[at + 1] == b'\n' => at += 1,
            b'#' if found == 0 => {
                let end = lines[at..].iter().position(|byte| *byte == b'\n').unwrap_or(lines.len() - at);
                return Ok((None, at + end));
            }
            _ if found == IDS => return Err(Problem::TooMany { expected: IDS }),
            _ => {
                (ids[found], at) = parse_id(lines, at)?;
                found += 1;
            }
        }
    }
}

/// The place of the first byte from `at` on that does not separate ids.
#[inline]
fn skip(lines: &[u8], mut at: usize) -> usize {
    while let b' ' | b'\t' | b',' = lines[at] {
        at += 1;
    }
    at
}

/// The number that begins at `start`, and the place where it ends.
#[inline]
fn parse_id(lines: &[u8], start: usize) -> Result<(u64, usize), Problem> {
    /// As many digits as any number of 64 bits can have.
    const SAFE_DIGITS: usize = 19;
    let mut id = 0u64;
    let mut at = start;
    while lines[at].is_ascii_digit() {
        id = id.wrapping_mul(10).wrapping_add(u64::from(lines[at] - b'0'));
        at += 1;
    }
    match lines[at] {
        b' ' | b'\t' | b',' | b'\n' if at > start => {}
        b'\r' if at > start && lines[at + 1] == b'\n' => {}
        _ => return Err(Problem::NotANumber),
    }
    if at - start > SAFE_DIGITS {
        let digits = lines[start..at].iter().map(|digit| u64::from(digit - b'0'));
        let checked = digits.into_iter().try_fold(0u64, |id, digit| id.checked_mul(10)?.checked_add(digit));
        id = checked.ok_or(Problem::TooLarge)?;
    }
    Ok((id, at))
}

/// A line in quotation marks, escaped, cut after [`QUOTE_MAX_CHARACTERS`].
pub(super) fn quote(line: &[u8]) -> String {
    // No character has more than four bytes, so what is beyond cannot be quoted.
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = String::from_utf8_lossy(&line[..line.len().min(4 * QUOTE_MAX_CHARACTERS + 4)]).into_owned();
    let cut: String = text.chars().take(QUOTE_MAX_CHARACTERS).collect();
    let more = if cut.len() < text.len() { ".." } else { "" };
    format!("{cut:?}{more}")
}
