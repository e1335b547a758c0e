//! Lines of ids: edge lists (two a line) and vertex lists (one a line).
//!
//! # Format
//!
//! - A line ends with `\n` or `\r\n`; the last one need not.
//! - Ids are decimal numbers of up to 64 bits. Spaces, tabs and commas, in any mixture and number, stand between them
//!   and may stand before and after.
//! - Lines of nothing else, and lines whose first other character is `#`, are skipped.
//! - Anything more or less is an error that names the line and quotes it, such as `line 17: "12 x": not a number`. A
//!   third column is refused, too: what it means is not ours to guess ([`text`](super::text) is told).
//!
//! Bytes that are no ASCII are quoted as well as can be; nothing need be UTF-8.
//!
//! Graphs have billions of lines, so the lines are parsed where they lie, a block of complete lines at a time, in one pass
//! over their bytes and on any thread; what is left of the last line is the beginning of the next block.

use std::io::{self, Read};

use crate::store::EdgeBatch;

/// Bytes of a line at the most. A longer one is no line of ids.
pub const LINE_MAX_BYTES: usize = 64 << 10;
/// Characters of a malformed line that an error quotes.
pub const QUOTE_MAX_CHARACTERS: usize = 80;
/// Bytes of a block; must hold more than one line.
const BLOCK_BYTES: usize = 1 << 20;

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

/// Cuts a source into blocks of complete lines.
#[derive(Debug)]
pub struct LineBlocks<R> {
    source: R,
    /// What has been read of a line that is not complete.
    rest: Vec<u8>,
    /// The number of the next line, from 1.
    line: u64,
    /// Set once the source has given all that it will.
    end: Option<io::Result<()>>,
}

/// Complete lines, each with its line end.
#[derive(Debug)]
pub struct LineBlock {
    bytes: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// The number of the next line, from 1.
    line: u64,
}

impl<R: Read> LineBlocks<R> {
    /// The lines of `source`, which need not be buffered.
    pub fn new(source: R) -> Self {
        LineBlocks { source, rest: Vec::new(), line: 1, end: None }
    }

    /// Takes the next lines, at least one; `None` at the end.
    pub fn next_block(&mut self) -> Result<Option<LineBlock>, ParseError> {
        let mut bytes = std::mem::take(&mut self.rest);
        let searched = bytes.len();
        if self.end.is_none() {
            bytes.resize(BLOCK_BYTES, 0);
            let mut filled = searched;
            while filled < BLOCK_BYTES && self.end.is_none() {
                match self.source.read(&mut bytes[filled..]) {
                    Ok(0) => self.end = Some(Ok(())),
                    Ok(read) => filled += read,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => self.end = Some(Err(error)),
                }
            }
            bytes.truncate(filled);
        }
        if let Some(Ok(())) = self.end
            && bytes.last().is_some_and(|last| *last != b'\n')
        {
            bytes.push(b'\n');
        }
        let Some(last) = bytes[searched.min(bytes.len())..].iter().rposition(|byte| *byte == b'\n') else {
            // A whole block without a line end holds no line that could be right; the part before an error is no line.
            return match self.end.replace(Ok(())) {
                None => Err(LineBlock { bytes, start: 0, line: self.line }.malformed(BLOCK_BYTES, Problem::TooLong)),
                Some(Ok(())) => Ok(None),
                Some(Err(source)) => Err(ParseError::Read { line: self.line, source }),
            };
        };
        self.rest = bytes.split_off(searched + last + 1);
        let block = LineBlock { bytes, start: 0, line: self.line };
        self.line += block.bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        Ok(Some(block))
    }
}

impl LineBlock {
    /// Lines that each have their end, the first of which has this number, counted from 1.
    pub fn new(mut bytes: Vec<u8>, line: u64) -> Self {
        if bytes.last().is_some_and(|last| *last != b'\n') {
            bytes.push(b'\n');
        }
        LineBlock { bytes, start: 0, line }
    }

    /// The lines as they are.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Each line, without its end, with its number.
    pub fn lines(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.bytes().split_inclusive(|byte| *byte == b'\n').map(|line| &line[..line.len() - 1]).zip(self.line..)
    }

    /// Appends the edges of these lines.
    pub fn decode(mut self, into: &mut EdgeBatch) -> Result<(), ParseError> {
        while let Some([source, target]) = self.next_ids()? {
            into.edges.push((source, target));
        }
        Ok(())
    }

    /// The ids of the next line that has any; `None` after the last one.
    #[inline]
    fn next_ids<const IDS: usize>(&mut self) -> Result<Option<[u64; IDS]>, ParseError> {
        while self.start < self.bytes.len() {
            match parse_line(&self.bytes, self.start) {
                Ok((ids, end)) if end - self.start <= LINE_MAX_BYTES => {
                    self.start = end + 1;
                    self.line += 1;
                    if ids.is_some() {
                        return Ok(ids);
                    }
                }
                Ok((_, end)) => return Err(self.malformed(end, Problem::TooLong)),
                Err(problem) => {
                    let rest = &self.bytes[self.start..];
                    let end = self.start + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                    let problem = if end - self.start > LINE_MAX_BYTES { Problem::TooLong } else { problem };
                    return Err(self.malformed(end, problem));
                }
            }
        }
        Ok(None)
    }

    fn malformed(&self, end: usize, problem: Problem) -> ParseError {
        ParseError::Malformed { line: self.line, quote: quote(&self.bytes[self.start..end]), problem }
    }
}

/// Iterates over the lines of a source that hold ids, `IDS` of them each. Ends after the first error.
#[derive(Debug)]
pub struct Lines<R, const IDS: usize> {
    blocks: LineBlocks<R>,
    block: LineBlock,
    failed: bool,
}

impl<R: Read, const IDS: usize> Lines<R, IDS> {
    /// The lines of `source`, which need not be buffered.
    pub fn new(source: R) -> Self {
        let block = LineBlock { bytes: Vec::new(), start: 0, line: 1 };
        Lines { blocks: LineBlocks::new(source), block, failed: false }
    }

    /// The number of lines read so far, those without ids included.
    pub fn lines_read(&self) -> u64 {
        self.block.line - 1
    }

    fn next_ids(&mut self) -> Result<Option<[u64; IDS]>, ParseError> {
        loop {
            if let Some(ids) = self.block.next_ids()? {
                return Ok(Some(ids));
            }
            match self.blocks.next_block()? {
                Some(block) => self.block = block,
                None => return Ok(None),
            }
        }
    }
}

impl<R: Read, const IDS: usize> Iterator for Lines<R, IDS> {
    type Item = Result<[u64; IDS], ParseError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.next_ids();
        self.failed = next.is_err();
        next.transpose()
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
