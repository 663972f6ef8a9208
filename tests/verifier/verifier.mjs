/**
 * A verifier of Craton's audit log, written from docs/audit-format.md alone. It shares no code with Craton, and
 * needs Node 20 or later and nothing else.
 *
 *     node verifier.mjs verify PROOF.json --key LOGKEY [--witness WITNESSKEY]...
 *     node verifier.mjs log FOLDER --key LOGKEY [--witness WITNESSKEY]...
 *
 * `verify` checks what `craton audit prove` wrote, `log` a folder with the files of a whole log. Both print JSON.
 * Exit code 0: all of it is proved. 1: it is not. 2: the command line is wrong, or a file cannot be read.
 */

import { createHash, createPublicKey, verify as verifySignature } from "node:crypto";
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

export class NotProved extends Error {}
export class WrongUse extends Error {}

export function demand(condition, otherwise) {
  if (!condition) throw new NotProved(otherwise);
}

// Hashes: RFC 6962, section 2.1, with SHA-256.

const EMPTY_ROOT = sha256();

export function sha256(...parts) {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

const leafHash = (entry) => sha256(Buffer.of(0), entry);
const nodeHash = (left, right) => sha256(Buffer.of(1), left, right);

/** MTH of RFC 6962, section 2.1, over hashes from `start` to below `end` instead of entries. */
function treeHash(hashes, start = 0, end = hashes.length) {
  if (end - start === 1) return hashes[start];
  let left = 1;
  while (left * 2 < end - start) left *= 2;
  return nodeHash(treeHash(hashes, start, start + left), treeHash(hashes, start + left, end));
}

/** RFC 9162, section 2.1.3.2. Sizes of trees are BigInt: they have up to 63 bits. */
function verifyInclusion(index, size, leaf, path, root) {
  demand(index < size, "the tree has no such entry");
  let [place, last, found] = [index, size - 1n, leaf];
  for (const sibling of path) {
    demand(last > 0n, "the inclusion proof is too long");
    if (place & 1n || place === last) {
      found = nodeHash(sibling, found);
      while (!(place & 1n) && place > 0n) [place, last] = [place >> 1n, last >> 1n];
    } else {
      found = nodeHash(found, sibling);
    }
    [place, last] = [place >> 1n, last >> 1n];
  }
  demand(last === 0n, "the inclusion proof is too short");
  demand(found.equals(root), "the inclusion proof leads to another root");
}

// Texts: C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof.

export const ED25519 = 1;
const COSIGNATURE = 4;
const KEY_NAME = /^[^\p{White_Space}+]+$/u;
const SIGNATURE_LINE = /^\u2014 ([^\p{White_Space}+]+) ([A-Za-z0-9+/=]+)$/u;
const CONTROL = /[\x00-\x09\x0b-\x1f]/;
const MAX_NOTE_BYTES = 64 * 1024;
const MAX_SIGNATURES = 64;
const MAX_SIZE = 2n ** 63n - 1n;

/** Standard base64 in its one form: padded, and without bits that mean nothing. */
export function fromBase64(text) {
  const decoded = Buffer.from(text, "base64");
  demand(decoded.toString("base64") === text, "not base64");
  return decoded;
}

function parseHash(text) {
  const hash = fromBase64(text);
  demand(hash.length === 32, "a hash has 32 bytes");
  return hash;
}

function parseNumber(text) {
  demand(/^(0|[1-9][0-9]{0,18})$/.test(text) && BigInt(text) <= MAX_SIZE, "not a size or an index");
  return BigInt(text);
}

export function fromUtf8(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new NotProved("not UTF-8");
  }
}

/** A verifier key: name+id+base64(type || public key). Its id is of four bytes (signed-note, "Signatures"). */
export function parseKey(text, type) {
  const [, name, id, encoded] = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/s.exec(text) ?? [];
  try {
    demand(name !== undefined && KEY_NAME.test(name) && !CONTROL.test(name), "not a verifier key");
    const key = fromBase64(encoded);
    demand(key.length === 33 && key[0] === type, "a key of another type");
    demand(sha256(name, "\n", key).subarray(0, 4).toString("hex") === id, "the id is another key's");
    const jwk = { kty: "OKP", crv: "Ed25519", x: key.subarray(1).toString("base64url") };
    return { name, id, type, bytes: key.subarray(1), publicKey: createPublicKey({ key: jwk, format: "jwk" }) };
  } catch (error) {
    throw new WrongUse(`${JSON.stringify(text)} is no ${type === ED25519 ? "log's" : "witness'"} key: ${error.message}`);
  }
}

/** A signed note: a text that ends with a line feed, an empty line (the last one), and lines of signatures. */
export function parseNote(content) {
  demand(Buffer.byteLength(content) <= MAX_NOTE_BYTES, "the note is too long");
  demand(content.isWellFormed() && !CONTROL.test(content), "a note has characters that none may have");
  const blank = content.lastIndexOf("\n\n");
  demand(blank >= 0 && content.length > blank + 2 && content.endsWith("\n"), "not a signed note");
  const lines = content.slice(blank + 2, -1).split("\n");
  demand(lines.length <= MAX_SIGNATURES, "the note has too many signatures");
  const signatures = lines.map((line) => {
    const found = SIGNATURE_LINE.exec(line);
    demand(found, "not a line of a signature");
    const value = fromBase64(found[2]);
    demand(value.length > 4, "a signature is too short");
    return { name: found[1], id: value.subarray(0, 4).toString("hex"), value: value.subarray(4) };
  });
  return { text: content.slice(0, blank + 1), signatures };
}

/** Return when the key's owner signed the note, in seconds since 1970; null when it does not say so. */
export function verifyNote(note, key) {
  // Signatures of other keys are ignored; they are other keys' when the name or the id is another.
  const found = note.signatures.filter(({ name, id }) => name === key.name && id === key.id);
  demand(found.length > 0, `${key.name} has not signed`);
  demand(found.length === 1, `${key.name} has signed twice`);
  let [time, message, { value }] = [null, note.text, found[0]];
  if (key.type === COSIGNATURE) {
    // tlog-cosignature: the time in eight bytes, then the signature over the time and the note's text.
    demand(value.length === 72, "a cosignature has 72 bytes");
    time = value.readBigUInt64BE(0);
    demand(time <= MAX_SIZE, "a cosignature is of no time");
    [message, value] = [`cosignature/v1\ntime ${time}\n${note.text}`, value.subarray(8)];
  }
  demand(value.length === 64, "a signature of Ed25519 has 64 bytes");
  demand(verifySignature(null, Buffer.from(message), key.publicKey, value), `not signed by ${key.name}`);
  return time;
}

/** Return a checkpoint, signed by the log and cosigned by every witness that was asked for. */
function readCheckpoint(content, { log, witnesses }) {
  const note = parseNote(content);
  verifyNote(note, log);
  const cosigned = witnesses.map((witness) => ({ witness: witness.name, time: verifyNote(note, witness) }));
  const [origin, size, root, ...rest] = note.text.split("\n");
  demand(rest.length >= 1, "a checkpoint has three lines");
  // tlog-checkpoint: lines after the third are extensions. They are signed, and say nothing to us.
  demand(rest.pop() === "" && !rest.includes(""), "a line of the checkpoint is empty");
  demand(origin === log.name, "the checkpoint is of another log");
  const checkpoint = { origin, size: parseNumber(size), root: parseHash(root), cosigned };
  demand(checkpoint.size > 0n || checkpoint.root.equals(EMPTY_ROOT), "an empty tree has another root");
  return checkpoint;
}

/** tlog-proof: a version, perhaps extra data that nothing vouches for, the index, the hashes; the checkpoint. */
function parseProof(text) {
  const blank = text.indexOf("\n\n");
  demand(blank >= 0, "not an inclusion proof");
  const lines = text.slice(0, blank).split("\n");
  demand(lines.shift() === "c2sp.org/tlog-proof@v1", "not an inclusion proof of this version");
  if (lines[0]?.startsWith("extra ")) fromBase64(lines.shift().slice("extra ".length));
  demand(lines[0]?.startsWith("index "), "the inclusion proof has no index");
  const index = parseNumber(lines.shift().slice("index ".length));
  demand(lines.length <= 63, "the inclusion proof is too long");
  return { index, path: lines.map(parseHash), checkpoint: text.slice(blank + 2) };
}

// Entries: docs/audit-format.md.

const COMMITMENT_PURPOSE = "craton audit event v1\n";
const SALT_BYTES = 32;
const LEAST_ENTRY_BYTES = 85 + SALT_BYTES + 1 + 16;

function parseEntry(entry) {
  demand(entry.length >= LEAST_ENTRY_BYTES && entry[0] === 2, "not an entry of a known version");
  const hex = entry.toString("hex", 1, 17);
  return {
    eventId: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"),
    timeUs: entry.readBigInt64BE(17),
    commitment: entry.subarray(41, 73),
  };
}

/** The members of a file, each of which stands there once: JSON.parse takes the last of those with one name. */
export function readMembers(content) {
  demand(content.length <= 1024 * 1024, "the file is too long");
  const text = fromUtf8(content);
  let members;
  try {
    members = JSON.parse(text);
  } catch {
    throw new NotProved("not JSON");
  }
  const strings = (json) => json.match(/"(?:[^"\\]|\\.)*"/g)?.length;
  demand(strings(text) === strings(JSON.stringify(members)), "a member stands there twice");
  return members;
}

/** Check a proof file's content. */
export function checkProof(content, trust) {
  const members = readMembers(content);
  const names = Object.keys(Object(members)).sort().join();
  demand(names === "entry,event,proof,salt", "the members entry, event, salt and proof are expected");
  demand(Object.values(members).every((value) => typeof value === "string"), "a member is no string");
  return checkMembers(members, trust);
}

/** Check the members of a proof file. */
export function checkMembers(members, trust) {
  const [entry, event, salt] = [members.entry, members.event, members.salt].map(fromBase64);
  const { eventId, timeUs, commitment } = parseEntry(entry);
  // A longer salt could swallow the beginning of the event.
  demand(salt.length === SALT_BYTES, `a salt has ${SALT_BYTES} bytes`);
  demand(sha256(COMMITMENT_PURPOSE, salt, event).equals(commitment), "the entry holds another event");
  const { index, path, checkpoint } = parseProof(members.proof);
  const { origin, size, root, cosigned } = readCheckpoint(checkpoint, trust);
  verifyInclusion(index, size, leafHash(entry), path, root);
  const shown = { event_id: eventId, time_us: timeUs, event: members.event };
  return { log: origin, index, size, root: root.toString("hex"), ...shown, cosigned };
}

// A whole log: C2SP tlog-tiles.

const WIDTH = 256;

/** tile/<level>/<index>[.p/<width>], the index in groups of three digits, all but the last after an x. */
function tilePath(level, index, width) {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/.../g);
  const number = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join("/");
  return `tile/${level}/${number}${width < WIDTH ? `.p/${width}` : ""}`;
}

/** Check a whole log; `read` returns the bytes of a path, null when there is no such file. */
export function checkLog(read, trust) {
  const file = (path) => {
    const content = read(path);
    demand(content !== null, `${path} is missing`);
    return content;
  };
  // A partial tile may be gone once the full one is there, which begins with it.
  const tile = (level, index, width) => {
    const partial = read(tilePath(level, index, width));
    return partial === null ? [file(tilePath(level, index, WIDTH)), WIDTH] : [partial, width];
  };
  const { origin, size, root, cosigned } = readCheckpoint(fromUtf8(file("checkpoint")), trust);
  demand(size <= Number.MAX_SAFE_INTEGER, "the tree is too large for this program");

  let files = 0;
  const compare = (level, index, hashes) => {
    const [content, width] = tile(level, index, hashes.length);
    const expected = Buffer.concat(hashes);
    const found = width > hashes.length ? content.subarray(0, expected.length) : content;
    demand(found.equals(expected), `${tilePath(level, index, hashes.length)} does not follow from the entries`);
    files += 1;
  };
  /** Of each level the hashes of the tile that is not full yet, and how many full ones are before it. */
  const levels = [];
  const add = (level, hash) => {
    levels[level] ??= { row: [], full: 0 };
    const { row, full } = levels[level];
    row.push(hash);
    if (row.length < WIDTH) return;
    compare(level, full, row);
    levels[level] = { row: [], full: full + 1 };
    add(level + 1, treeHash(row));
  };

  const seen = new Set();
  for (let first = 0, index = 0; first < Number(size); first += WIDTH, index += 1) {
    const width = Math.min(WIDTH, Number(size) - first);
    const [bundle, held] = tile("entries", index, width);
    entriesOf(bundle, held, index).slice(0, width).forEach((entry, number) => {
      const { eventId } = parseEntry(entry);
      demand(!seen.has(eventId), `entry ${first + number} has an event that is in the log before`);
      seen.add(eventId);
      add(0, leafHash(entry));
    });
    files += 1;
  }

  let found = null;
  levels.forEach(({ row, full }, level) => {
    if (row.length > 0) compare(level, full, row);
    // What no full tile covers is the last and smallest part of the tree: it stands right of this level's hashes.
    const hashes = found === null ? row : [...row, found];
    found = hashes.length > 0 ? treeHash(hashes) : null;
  });
  demand((found ?? EMPTY_ROOT).equals(root), "the entries have another root than the checkpoint");
  return { log: origin, entries: size, files, root: root.toString("hex"), cosigned };
}

/** A bundle: entries, each after its length in two bytes. */
function entriesOf(bundle, count, index) {
  const entries = [];
  let at = 0;
  while (at + 2 <= bundle.length && entries.length < count) {
    const end = at + 2 + bundle.readUInt16BE(at);
    entries.push(bundle.subarray(at + 2, end));
    at = end;
  }
  demand(at === bundle.length && entries.length === count, `${tilePath("entries", index, count)} is no bundle`);
  return entries;
}

// The command line.

/** Run a command; return its exit code and what it prints. */
export function run(words) {
  try {
    return { code: 0, printed: toJson(command(words)) };
  } catch (error) {
    if (error instanceof NotProved) return { code: 1, printed: `not proved: ${error.message}` };
    if (error instanceof WrongUse) return { code: 2, printed: error.message };
    throw error;
  }
}

function command(words) {
  const options = { key: { type: "string" }, witness: { type: "string", multiple: true, default: [] } };
  let parsed;
  try {
    parsed = parseArgs({ args: words, options, allowPositionals: true });
  } catch (error) {
    throw new WrongUse(error.message);
  }
  const { positionals, values } = parsed;
  const [name, target] = positionals;
  if (positionals.length !== 2 || !["verify", "log"].includes(name)) {
    throw new WrongUse("expected: verify PROOF.json --key KEY, or: log FOLDER --key KEY");
  }
  if (values.key === undefined) throw new WrongUse("--key is missing: a log cannot vouch for its own key");
  const trust = {
    log: parseKey(values.key, ED25519),
    witnesses: values.witness.map((text) => parseKey(text, COSIGNATURE)),
  };
  const keys = [trust.log, ...trust.witnesses].map(({ bytes }) => bytes.toString("hex"));
  if (new Set(keys).size < keys.length) throw new WrongUse("two of log and witnesses have one key");
  if (name === "log") {
    if (!existsSync(target) || !statSync(target).isDirectory()) throw new WrongUse(`there is no folder ${target}`);
    return checkLog((path) => readFile(join(target, path)), trust);
  }
  const content = readFile(target);
  if (content === null) throw new WrongUse(`there is no file ${target}`);
  return checkProof(content, trust);
}

/** Return a file's content, null when there is no such file. */
export function readFile(path) {
  try {
    return readFileSync(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EISDIR"].includes(error.code)) return null;
    throw new WrongUse(error.message);
  }
}

function toJson(result) {
  const number = (value) => (Number.isSafeInteger(Number(value)) ? Number(value) : String(value));
  return JSON.stringify(result, (_, value) => (typeof value === "bigint" ? number(value) : value), 2);
}

if (process.argv[1] && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  const { code, printed } = run(process.argv.slice(2));
  (code === 0 ? console.log : console.error)(printed);
  process.exitCode = code;
}
