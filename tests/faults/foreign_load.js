// The k6 side of foreign_load.py: appends, streams and bad calls over gRPC, from the .proto files alone. Every
// acknowledgement is one line of output: `A conversation first_sequence vu number` or `S conversation client_sequence vu run`.
import grpc from 'k6/net/grpc';
import { sleep } from 'k6';

const PROTOS = ['ingest_service', 'conversation_service', 'tenant_service'].map((name) => `subrosa/v1/${name}.proto`);
const client = new grpc.Client();
client.load([__ENV.PROTO_DIR], ...PROTOS);
const CA = open(__ENV.CA_FILE);
const duration = `${__ENV.SECONDS}s`;
const scenario = (exec, vus) => ({ executor: 'constant-vus', exec, vus, duration, gracefulStop: '20s' });

export const options = {
  discardResponseBodies: false,
  scenarios: { append: scenario('append', 6), stream: scenario('stream', 4), bad: scenario('bad', 4) },
};

let connected = false;
let conversation = null;
let count = 0;
const key = { metadata: { authorization: `Bearer ${__ENV.KEY}` }, timeout: '30s' };

// A number in letters, so that no rule of the redactor can take it for something else.
const spell = (number) => String(number).padStart(7, '0').replace(/\d/g, (digit) => 'bcdfghjkmn'[digit]);
export const text = (vu, number) => `load ${spell(vu)} ${spell(number)} is on its way`;
const said = (words) => ({ author_role: 'AUTHOR_ROLE_USER', text: words });

function connect() {
  if (!connected) {
    client.connect(__ENV.ADDRESS, { tls: { cacerts: [CA] }, timeout: '20s' });
    connected = true;
  }
}

function call(method, message, params = key) {
  connect();
  return client.invoke(`subrosa.v1.${method}`, message, params);
}

function create() {
  const request = { parent: __ENV.TENANT, request_id: crypto.randomUUID(), conversation: { bot: __ENV.BOT } };
  const answer = call('ConversationService/CreateConversation', request);
  return answer.status === grpc.StatusOK ? answer.message.conversation.name : null;
}

export function append() {
  conversation = conversation || create();
  if (!conversation) return sleep(0.2);
  const number = ++count;
  const request = { parent: conversation, request_id: crypto.randomUUID(), records: [said(text(__VU, number))] };
  const answer = call('IngestService/AppendRecords', request);
  if (answer.status === grpc.StatusOK) {
    console.log(`A ${conversation} ${answer.message.firstSequence || answer.message.first_sequence} ${__VU} ${number}`);
  } else {
    console.log(`E append ${answer.status} ${JSON.stringify(answer.error)}`);
    sleep(0.2);
  }
}

export function stream() {
  connect();
  const name = create();
  if (!name) return sleep(0.2);
  const run = ++count;
  const records = 200;
  return new Promise((done) => {
    const ingest = new grpc.Stream(client, 'subrosa.v1.IngestService/Ingest', key);
    let acked = 0;
    ingest.on('data', (answer) => {
      acked = Number(answer.ackedClientSequence || answer.acked_client_sequence || 0);
    });
    ingest.on('error', (error) => console.log(`E stream ${JSON.stringify(error)}`));
    ingest.on('end', () => {
      console.log(`S ${name} ${acked} ${__VU} ${run}`);
      done();
    });
    ingest.write({ open: { parent: name, stream_id: crypto.randomUUID() } });
    for (let at = 1; at <= records; at++) {
      ingest.write({ append: { client_sequence: String(at), record: said(text(__VU, run * 1000 + at)) } });
    }
    ingest.end();
  });
}

// Each is refused, with the code that stands beside it.
const refused = () => [
  ['IngestService/AppendRecords', { parent: 'nobody', request_id: crypto.randomUUID(), records: [said('x')] }, key, grpc.StatusInvalidArgument],
  ['IngestService/AppendRecords', { parent: conversation, records: [said('x')] }, key, grpc.StatusInvalidArgument],
  ['IngestService/AppendRecords', { parent: conversation, request_id: crypto.randomUUID(), records: [{ author_role: 77, text: 'x' }] }, key, grpc.StatusInvalidArgument],
  ['IngestService/AppendRecords', { parent: conversation, request_id: crypto.randomUUID(), records: [said('x'.repeat(300000))] }, key, grpc.StatusInvalidArgument],
  ['IngestService/AppendRecords', { parent: conversation, request_id: crypto.randomUUID(), records: [] }, key, grpc.StatusInvalidArgument],
  ['IngestService/AppendRecords', { parent: conversation, request_id: crypto.randomUUID(), records: [said('x')] }, {}, grpc.StatusUnauthenticated],
  ['IngestService/AppendRecords', { parent: conversation, request_id: crypto.randomUUID(), records: [said('x')] }, { metadata: { authorization: 'Bearer x' } }, grpc.StatusUnauthenticated],
  ['ConversationService/ReadConversation', { name: conversation, purpose: 'PURPOSE_QUALITY' }, key, grpc.StatusPermissionDenied],
  ['TenantService/FreezeTenant', { name: __ENV.TENANT }, key, grpc.StatusPermissionDenied],
  ['ConversationService/GetConversation', { name: 'x'.repeat(70000) }, key, grpc.StatusResourceExhausted],
];

export function bad() {
  conversation = conversation || create();
  if (!conversation) return sleep(0.2);
  for (const [method, message, params, code] of refused()) {
    if (method.endsWith('ReadConversation')) continue; // a stream; k6 invokes unary methods alone
    const answer = call(method, message, params);
    console.log(answer.status === code || answer.status === grpc.StatusResourceExhausted ? `B ${code}` : `E bad ${method} ${answer.status} for ${code}`);
  }
  console.log(`N ${conversation}`);
}
