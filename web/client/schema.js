// The messages of proto/ringcast.proto as tables, for Protocol Buffers: member -> [number, kind].
//
// A kind is 'uint', 'uint32', 'double', 'bool', 'presence' (a bool that counts when false), 'string', 'strings' (a map),
// 'bytes', {names} (an enum), {list: kind} or {fields} (a message).

const names = (...list) => ({ names: list });
const list = (kind) => ({ list: kind });
const fields = (members) => ({ fields: members });

const kOp = names('set', 'remove', 'event');
const kFormat = names('binary', 'text', 'json');
const kDelivery = names('unspecified', 'every', 'latest');
const kOnLag = names('unspecified', 'degrade', 'skip', 'close');
const kCredit = fields({ messages: [1, 'uint'], bytes: [2, 'uint'] });
const kPublish = fields({
  id: [1, 'uint'], topic: [2, 'string'], op: [3, kOp], format: [4, kFormat], content_type: [5, 'string'],
  headers: [6, 'strings'], payload: [7, 'bytes'], producer_seq: [8, 'uint'],
});

export const kRequests = {
  hello: [1, fields({ id: [1, 'uint'], client: [2, 'string'], features: [3, list('string')], producer_id: [4, 'string'] })],
  subscribe: [2, fields({
    id: [1, 'uint'], filter: [2, 'string'], start: [3, names('now', 'last_values', 'last_n', 'since_time', 'resume')],
    last_count: [4, 'uint'], echo: [5, 'presence'], delivery: [6, kDelivery], max_rate_hz: [7, 'double'],
    on_lag: [8, kOnLag], since_us: [9, 'uint'], resume_token: [10, 'string'],
    received: [11, list(fields({ origin: [1, 'uint'], position: [2, 'uint'] }))],
  })],
  unsubscribe: [3, fields({ id: [1, 'uint'], subscription: [2, 'uint'] })],
  publish: [4, kPublish],
  publish_batch: [5, fields({ messages: [1, list(kPublish)] })],
  change: [6, fields({
    id: [1, 'uint'], subscription: [2, 'uint'], delivery: [3, kDelivery], max_rate_hz: [4, 'double'], on_lag: [5, kOnLag],
  })],
};

export const kEvents = {
  welcome: [1, fields({
    id: [1, 'uint'], epoch: [2, 'string'], features: [3, list('string')],
    limits: [4, fields({
      message_bytes: [1, 'uint'], subscriptions: [2, 'uint32'], topic_bytes: [3, 'uint32'], headers: [4, 'uint32'],
      headers_bytes: [5, 'uint32'], batch_messages: [6, 'uint32'], producer_window: [7, 'uint32'],
    })],
    ping_interval_ms: [5, 'uint32'], producer_id: [6, 'string'], producer_resumed: [7, 'bool'], credit: [8, kCredit],
    subject: [9, 'string'], server: [10, 'string'],
  })],
  subscribed: [2, fields({ id: [1, 'uint'], filter: [2, 'string'] })],
  unsubscribed: [3, fields({ id: [1, 'uint'], subscription: [2, 'uint'] })],
  message: [4, fields({
    seq: [1, 'uint'], topic: [2, 'string'], op: [3, kOp], format: [4, kFormat], content_type: [5, 'string'],
    headers: [6, 'strings'], payload: [7, 'bytes'], origin: [8, 'uint32'], position: [9, 'uint'], time_us: [10, 'uint'],
    subscription: [14, 'uint'], mark: [15, names('live', 'snapshot', 'replay')],
  })],
  ack: [5, fields({
    id: [1, 'uint'], seq: [2, 'uint'], origin: [3, 'uint32'], position: [4, 'uint'], time_us: [5, 'uint'],
    duplicate: [6, 'bool'], up_to: [7, 'uint'],
  })],
  credit: [6, kCredit],
  snapshot_end: [7, fields({ subscription: [1, 'uint'], resumed: [2, names('unspecified', 'recovered', 'conflated', 'gap')] })],
  checkpoint: [8, fields({ subscriptions: [1, list('uint')], epoch: [2, 'string'], token: [3, 'string'] })],
  lag: [9, fields({
    subscription: [1, 'uint'], merged: [2, 'uint'], skipped: [3, 'uint'], caught_up: [4, 'bool'],
    ranges: [5, list(fields({ topic: [1, 'string'], first_seq: [2, 'uint'], last_seq: [3, 'uint'] }))], more_ranges: [6, 'bool'],
  })],
  go_away: [10, fields({
    text: [1, 'string'], deadline_ms: [2, 'uint32'], reconnect_after_ms: [3, 'uint32'], reconnect_within_ms: [4, 'uint32'],
    resume: [5, 'bool'],
  })],
  error: [11, fields({
    code: [1, names(
      'unspecified', 'malformed', 'unknown_field', 'bad_value', 'missing_field', 'unsupported', 'bad_topic', 'bad_filter',
      'forbidden', 'id_in_use', 'id_not_rising', 'unknown_subscription', 'hello_too_late', 'too_many_subscriptions',
      'too_many_filters', 'too_many_topics', 'memory_full', 'too_large', 'draining', 'too_old', 'fenced', 'too_many_producers',
    )],
    text: [2, 'string'], id: [3, 'uint'], field: [4, 'string'],
  })],
  changed: [12, fields({ id: [1, 'uint'], subscription: [2, 'uint'] })],
};
