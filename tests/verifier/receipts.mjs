/**
 * A verifier of Craton's receipts, written from docs/receipts.md. It shares no code with Craton, and needs Node 20
 * or later and nothing else.
 *
 *     node receipts.mjs FILE... --authority KEY --key LOGKEY [--request BODY] [--response BODY]
 *
 * Prints a JSON array: what each file says, or a text that says why it proves nothing. Exit code 0: all are proved.
 */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import {
  ED25519, NotProved, checkMembers, demand, fromBase64, parseKey, parseNote, readMembers, sha256, verifyNote,
} from "./verifier.mjs";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;
const HASH = /^[A-Za-z0-9+/]{43}=$/;
const NUMBER = /^(0|[1-9][0-9]{0,9})$/;
const RECEIPT = [
  ["event", UUID],
  ["request", /^[A-Za-z0-9-]{8,64}$/],
  ["time", TIME],
  ["account", /^[0-9]{12}$/],
  ["region", /^[a-z0-9-]{1,64}$/],
  ["operation", /^InvokeModel(WithResponseStream)?$/],
  ["model", /^[!-~]{1,256}$/],
  ["manifest", /^[0-9a-f]{64}$/],
  ["artifact", /^([0-9a-f]{64}|-)$/],
  ["request-commitment", HASH],
  ["response-commitment", HASH],
  ["input-tokens", NUMBER],
  ["output-tokens", NUMBER],
  ["stop-reason", /^([a-z_]{1,64}|-)$/],
];
const CERTIFICATE = [
  ["event", UUID],
  ["key", /^[^\s+]{1,256}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44}$/],
  ["workload", /^spiffe:\/\/[a-z0-9.-]{1,255}\/service\/[a-z0-9-]{1,64}$/],
  ["not-before", TIME],
  ["not-after", TIME],
];

/** A statement: its kind, then lines of a name, a space and a value, each once and in this order. */
function readStatement(text, kind, forms) {
  const lines = text.split("\n");
  demand(lines.pop() === "" && lines.shift() === kind && lines.length === forms.length, `no ${kind}`);
  const found = {};
  forms.forEach(([name, form], at) => {
    demand(lines[at].startsWith(`${name} `), `${name} is missing`);
    const value = lines[at].slice(name.length + 1);
    demand(form.test(value), `${name} is not what it should be`);
    if (form === TIME) {
      const moment = new Date(value);
      demand(!Number.isNaN(moment.getTime()) && moment.toISOString() === value.replace("Z", ".000Z"), "no time");
    }
    if (form === HASH) fromBase64(value);
    found[name] = value;
  });
  return found;
}

/** The fields of a serialised message, by number; protobuf's encoding. */
function fieldsOf(message) {
  const fields = new Map();
  let at = 0;
  const varint = () => {
    for (let [value, shift] = [0n, 0n]; shift < 70n; shift += 7n) {
      demand(at < message.length, "no event");
      const byte = message[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new NotProved("no event");
  };
  while (at < message.length) {
    const tag = varint();
    const kind = Number(tag & 7n);
    let value;
    if (kind === 0) {
      value = varint();
    } else {
      const size = { 1: 8, 5: 4 }[kind] ?? (kind === 2 ? Number(varint()) : NaN);
      demand(at + size <= message.length, "no event");
      value = kind === 2 ? message.subarray(at, at + size) : null;
      at += size;
    }
    fields.set(Number(tag >> 3n), [...(fields.get(Number(tag >> 3n)) ?? []), value]);
  }
  return fields;
}

function checkEvent(proof, statement, text, recorder, trust) {
  const shown = checkMembers(proof, trust);
  demand(shown.event_id === statement.event, "the proof is of another event");
  const fields = fieldsOf(fromBase64(proof.event));
  const one = (number) => {
    const values = fields.get(number) ?? [Buffer.alloc(0)];
    demand(values.length === 1, "the event says something twice");
    return values[0];
  };
  const says = (number, value) => Buffer.isBuffer(one(number)) && one(number).equals(Buffer.from(value));
  demand(says(1, statement.event), "the event has another id");
  demand(one(4) === 2n && says(13, "OK"), "the event is not of a call that succeeded");
  demand(says(6, recorder), `the event was not recorded by ${recorder}`);
  demand(says(26, sha256(text)), "the event names another statement");
  return { ...shown, says };
}

function checkReceipt(content, { authority, log, request, response }) {
  const members = readMembers(content);
  const names = Object.keys(Object(members)).filter((name) => name !== "salt").sort().join();
  demand(names === "certificate,certificate_proof,receipt,receipt_proof", "the file has other members");
  for (const proof of [members.receipt_proof, members.certificate_proof]) {
    demand(Object.keys(Object(proof)).sort().join() === "entry,event,proof,salt", "a proof has other members");
    demand(Object.values(proof).every((value) => typeof value === "string"), "a member is no string");
  }
  demand([members.receipt, members.certificate].every((value) => typeof value === "string"), "a member is no string");

  const certified = parseNote(members.certificate);
  verifyNote(certified, authority);
  const certificate = readStatement(certified.text, "craton receipt key v1", CERTIFICATE);
  const signed = parseNote(members.receipt);
  verifyNote(signed, parseKey(certificate.key, ED25519));
  const receipt = readStatement(signed.text, "craton receipt v1", RECEIPT);
  // Times of one form are in the order of their texts.
  const within = (time) => certificate["not-before"] <= time && time < certificate["not-after"];
  demand(within(receipt.time), "the receipt is not of its key's hour");

  const trust = { log, witnesses: [] };
  checkEvent(members.certificate_proof, certificate, certified.text, "kms", trust);
  const recorder = certificate.workload.split("/").pop();
  const event = checkEvent(members.receipt_proof, receipt, signed.text, recorder, trust);
  demand(event.says(16, receipt.account) && event.says(3, receipt.request), "another account or request");
  const recorded = new Date(Math.floor(Number(event.time_us) / 1000)).toISOString().replace(/\.\d+Z/, "Z");
  demand(within(recorded), "the event is not of the key's hour");

  const salt = fromBase64(members.salt ?? "");
  const committed = (purpose, body) => {
    demand(salt.length === 32, "a salt has 32 bytes");
    return sha256(`craton receipt ${purpose} v1\n`, salt, body).toString("base64");
  };
  if (request) demand(committed("request", request) === receipt["request-commitment"], "another request");
  const kind = receipt.operation === "InvokeModel" ? "response" : "response stream";
  if (response) demand(committed(kind, response) === receipt["response-commitment"], "another response");
  return receipt;
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: Object.fromEntries(["authority", "key", "request", "response"].map((name) => [name, { type: "string" }])),
});
const given = {
  authority: parseKey(values.authority, ED25519),
  log: parseKey(values.key, ED25519),
  request: values.request && readFileSync(values.request),
  response: values.response && readFileSync(values.response),
};
const results = positionals.map((path) => {
  try {
    return checkReceipt(readFileSync(path), given);
  } catch (error) {
    process.exitCode = 1;
    return `not proved: ${error.message}`;
  }
});
console.log(JSON.stringify(results));
