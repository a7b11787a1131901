/**
 * ringcast: the JavaScript client of the Ringcast broker.
 *
 * ```js
 * import { connect } from '/ringcast.js'; // from the broker itself; in Node: from 'ringcast'
 *
 * const rc = connect(); // the broker that served this file; or connect('wss://live.example.com')
 * const sub = rc.subscribe('ticker/+/AAPL', { delivery: 'latest', maxRateHz: 10, start: 'last' }, (msg) => {
 *   console.log(msg.topic, msg.data);
 * });
 * await rc.publish('chat/room1', { text: 'hello' });
 * ```
 *
 * A lost connection is taken up again by itself; every subscription goes on where it was, and says what came of it:
 * `recovered`, `conflated` or `gap`. Nothing is lost silently, nothing is told twice.
 */

/** Begins to connect, and gives the client at once: subscribe and publish need not wait. */
export function connect(url?: string | URL, options?: ConnectOptions): Client;
export function connect(options: ConnectOptions): Client;

export interface ConnectOptions {
  /**
   * Who you are: a token, or a function that gives one and is asked for each connection. It is told why: `'connect'`,
   * `'reconnect'`, or `'expired'` when the broker closed with 4401. Without a function 4401 ends the client.
   */
  token?: string | ((reason: TokenReason) => string | undefined | Promise<string | undefined>);
  /** What is spoken. `'proto'` (Protocol Buffers) is smaller on the wire, and loaded only when asked for. Default `'json'`. */
  protocol?: 'json' | 'proto';
  /** A WebSocket class, where there is none or another is wanted: that of npm's `ws` will do. */
  WebSocket?: new (url: string, protocols: string[]) => any;
  /** What the broker's operator sees; at most 128 bytes. Default `'js/0.1'`. */
  name?: string;
  /** When to try again after a lost connection. */
  reconnect?: ReconnectOptions;
  /** When a silent connection counts as lost. */
  liveness?: LivenessOptions;
  /** Milliseconds from the first packet to the broker's welcome, after which it is tried anew. Default 10,000. */
  openTimeoutMs?: number;
  /** How much may wait for an answer, sent or not; beyond it publish() refuses with `full`. */
  pending?: { /** Default 10,000. */ messages?: number; /** Of topics and payloads, about. Default 16 MiB. */ bytes?: number };
  /**
   * While the page is hidden, subscriptions with `latest` get no more than this, and what they had when it is shown again.
   * 0: leave them alone. Default 1. Each subscription may say its own.
   */
  hiddenRateHz?: number;
  /**
   * One connection for all tabs of this origin, in a SharedWorker: of those with the same URL and protocol, or with the
   * same name if this is a string. They share an identity at the broker too, so tabs of different users need different
   * names. Where there is no SharedWorker, or `WebSocket` was given, it is a connection of its own. Default false.
   */
  shared?: boolean | string;
  /** For `shared`: the URL of ringcast.js, of this origin. Needed where this module was bundled into another file. */
  worker?: string | URL;
}

export type TokenReason = 'connect' | 'reconnect' | 'expired';

/** The delay is random between `minMs` and a limit that doubles with each try: never zero, and not all clients at once. */
export interface ReconnectOptions {
  /** Default 50. */
  minMs?: number;
  /** The first limit. Default 500. */
  firstMs?: number;
  /** The last limit. Default 10,000. */
  maxMs?: number;
  /** A connection that held so long lets the limit begin anew. Default 5,000. */
  stableMs?: number;
  /** Failed tries in a row before the client gives up. Default: never. */
  attemptsMax?: number;
}

export interface LivenessOptions {
  /** Milliseconds of silence after which the client asks whether the broker is still there. Default 25,000. */
  silenceMs?: number;
  /** How long it then waits for any word. Default 10,000. */
  answerMs?: number;
}

export type State =
  /** The first time, or again. */
  | 'connecting'
  | 'connected'
  /** Still connected, but the broker is about to restart; publishes wait for the next connection. */
  | 'draining'
  /** For the next try: `retryInMs`. */
  | 'waiting'
  /** By close(), or given up: `error` says why. */
  | 'closed';

export interface Client extends EventTarget {
  readonly state: State;
  /** Of the broker's process: sequence numbers compare while it is the same. Empty before the first connection. */
  readonly epoch: string;
  /** Publishes that have no answer yet. */
  readonly pending: number;
  /** Resolves when there is a connection, now or next; rejects when the client is closed first. */
  readonly ready: Promise<Client>;
  /** Those that have not ended. */
  readonly subscriptions: Subscription[];

  /**
   * Publishes, and resolves with the broker's answer: sequenced, kept, handed to every shard with a subscriber.
   *
   * A string is published as text, a Uint8Array (or any other buffer) as binary, anything else as JSON; all of it as it is
   * now. What is published in one turn leaves in one message. Publishes to one topic are sequenced in their order. Without a
   * connection they wait; over a lost one they are sent again with the same numbers, so that the broker does not publish
   * them twice. Backpressure: at most 1,024 (4 MiB) are on their way, more wait here up to `pending`, and beyond that
   * publish() rejects with `full`: await its promises, or room().
   *
   * Rejects with a RingcastError: the broker's code; `full` or `not_sent`: certainly not published; `unknown`: sent, and
   * the client ended before the answer.
   */
  publish(topic: string, data: unknown, options?: PublishOptions): Promise<PublishResult>;
  /** Publishes what passes by: it becomes neither the topic's value nor history. */
  event(topic: string, data: unknown, options?: PublishOptions): Promise<PublishResult>;
  /** The topic has no value any more. */
  remove(topic: string, options?: Pick<PublishOptions, 'contentType' | 'headers'>): Promise<PublishResult>;
  /** Resolves when no more than half of `pending` waits. */
  room(): Promise<Client>;

  /**
   * Subscribes to a topic or a filter (`+` is one level, a last `#` the rest), by callback or by iteration:
   *
   * ```js
   * for await (const msg of rc.subscribe('chat/#')) …
   * ```
   *
   * Where several subscriptions of a client match a topic, each is given its messages, at the pace of the fastest of them:
   * they come once to a connection.
   */
  subscribe(filter: string, callback?: MessageCallback): Subscription;
  subscribe(filter: string, options: SubscribeOptions, callback?: MessageCallback): Subscription;

  /** Waits for the answers to what was published, at most so long (default 5,000), and ends the connection. */
  close(options?: { timeoutMs?: number }): Promise<void>;

  /**
   * `state`: it changed. `error`: what has no other place to be told: a refused subscription (`event.subscription`), the
   * client gave up. `gap`, `recovered`, `conflated`, `lag`: as of the subscription, `event.subscription`.
   */
  addEventListener<K extends keyof ClientEvents>(type: K, listener: (event: ClientEvents[K]) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<K extends keyof ClientEvents>(type: K, listener: (event: ClientEvents[K]) => void, options?: boolean | EventListenerOptions): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void;
}

export interface ClientEvents {
  state: CustomEvent<StateDetail>;
  error: CustomEvent<RingcastError> & { subscription?: Subscription };
  gap: CustomEvent<GapDetail> & { subscription: Subscription };
  recovered: CustomEvent<Record<string, never>> & { subscription: Subscription };
  conflated: CustomEvent<Record<string, never>> & { subscription: Subscription };
  lag: CustomEvent<LagDetail> & { subscription: Subscription };
}

export interface StateDetail {
  state: State;
  epoch: string;
  /** `connected`: the broker was started anew since the connection before. */
  epochChanged?: boolean;
  /** `connected`: "ringcast/0.1.0". */
  server?: string;
  /** `connected`: who the broker takes you for; empty: anonymous. */
  subject?: string;
  /** `waiting`. */
  retryInMs?: number;
  /** `draining`: by when the broker closes the connection, and why. */
  deadlineMs?: number;
  text?: string;
  /** `waiting`, `closed`: why. */
  error?: RingcastError;
}

export interface PublishOptions {
  /** Publishes a string as JSON. */
  as?: 'json';
  /** A media type. */
  contentType?: string;
  /** At most 16, together 1 KiB. */
  headers?: Record<string, string>;
}

export interface PublishResult {
  /** `duplicate`: the broker had it already, from before a reconnect: it was delivered then, and not again. */
  status: 'sequenced' | 'duplicate';
  /** Of the topic; 0 of a duplicate. */
  seq: number;
  epoch: string;
  origin: number;
  position: number;
  /** UTC, microseconds since 1970, by the broker. */
  timeUs: number;
  /**
   * It was sent before, on a connection that broke without an answer, and then again to a broker that could not know the
   * repeat. With `epochChanged` the broker was restarted in between: it is there at most once in each epoch.
   */
  maybeTwice: boolean;
  epochChanged: boolean;
}

export interface DeliveryOptions {
  /** `every` message (default), or of each topic the `latest`. */
  delivery?: 'every' | 'latest';
  /** With `latest`: at most so many a second of each topic, 0.001 to 1000; 0 (default): as fast as the connection takes it. */
  maxRateHz?: number;
  /**
   * With `every`, when the connection falls behind: `degrade` (default) to the newest values until it has caught up, `skip`
   * the oldest, or `close` the connection and resume. Each is told by `lag`.
   */
  onLag?: 'degrade' | 'skip' | 'close';
}

export interface SubscribeOptions extends DeliveryOptions {
  /**
   * Where it begins: `now` (default); `last`: with the last value of each topic; `{last: 20}`: with up to 20 kept messages
   * of each; `{since}`: with what was published since a Date, or milliseconds since 1970; `{resume}`: where an earlier
   * subscription was (`point`), as before the page was loaded anew.
   */
  start?: 'now' | 'last' | { last: number } | { since: Date | number } | { resume: ResumePoint };
  /** False: it does not hear what this client publishes. Default true. */
  echo?: boolean;
  /** As that of connect(), for this subscription. */
  hiddenRateHz?: number;
  /**
   * Messages that wait for an iterator, at most. With `latest` a newer one takes the place of its topic's older one. When
   * it is full the oldest is dropped, and a `lag` with `local` tells so. Default 1,000.
   */
  buffer?: number;
}

export type MessageCallback = (message: Message, subscription: Subscription) => void;

export interface Message {
  readonly topic: string;
  /** JSON parsed, text as a string, binary as a Uint8Array; undefined of a removal. */
  readonly data: any;
  readonly format: 'json' | 'text' | 'binary';
  readonly op: 'set' | 'remove' | 'event';
  /** `snapshot`: a last value, `replay`: a kept message, that the subscription begins or goes on with. */
  readonly mark: 'live' | 'snapshot' | 'replay';
  /** Of the topic: rises, by 1 where nothing was merged, skipped or forgotten. */
  readonly seq: number;
  /** The shard that sequenced it, and its count of messages. */
  readonly origin: number;
  readonly position: number;
  readonly timeUs: number;
  readonly time: Date;
  readonly contentType: string;
  readonly headers: Record<string, string>;
}

/** Opaque; JSON.stringify() and JSON.parse() keep it. */
export interface ResumePoint {
  epoch: string;
  token: string;
  received: Record<string, number>;
}

export interface Subscription extends EventTarget, AsyncIterable<Message> {
  readonly filter: string;
  readonly isEnded: boolean;
  /** How it is delivered, as the program wants it. */
  readonly options: Required<DeliveryOptions>;
  /** Resolves when it is live for the first time; rejects when the broker refuses it, or it ends before. */
  readonly ready: Promise<Subscription>;
  /** Up to where the program was told everything, to begin there in another run. Has no token until the first checkpoint. */
  readonly point: ResumePoint;

  /** Delivers it otherwise; what is not named stays. Resolves when that holds. */
  change(options: DeliveryOptions): Promise<void>;
  unsubscribe(): void;
  /** Leaving the loop unsubscribes, if there is neither a callback nor another loop. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message>;

  addEventListener<K extends keyof SubscriptionEvents>(type: K, listener: (event: SubscriptionEvents[K]) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<K extends keyof SubscriptionEvents>(type: K, listener: (event: SubscriptionEvents[K]) => void, options?: boolean | EventListenerOptions): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void;
}

export interface SubscriptionEvents {
  /** It is live: from here on nothing is missed while the connection holds. After each reconnect again. */
  subscribed: CustomEvent<{ epoch: string }>;
  /** All that it begins, or goes on with, was told. Not of `start: 'now'`. */
  begun: CustomEvent<Record<string, never>>;
  /** After a reconnect, before `begun`: all that was published in between was told. */
  recovered: CustomEvent<Record<string, never>>;
  /** After a reconnect: of each topic that changed the newest value was told, some before it were not. */
  conflated: CustomEvent<Record<string, never>>;
  /**
   * After a reconnect: something may be missing that nobody can tell. With another epoch it comes before `subscribed`. Also when the
   * broker no longer kept all that the subscription was to begin with: from before `since`, or of `{last: N}` what newer messages
   * pushed out of history while they were sent.
   */
  gap: CustomEvent<GapDetail>;
  /** It falls behind, or has caught up. */
  lag: CustomEvent<LagDetail>;
  /** There is a new `point`. */
  checkpoint: CustomEvent<{ epoch: string; token: string }>;
  /** It was refused. */
  error: CustomEvent<RingcastError>;
  /** There will be no more messages. */
  end: CustomEvent<{ error?: RingcastError }>;
}

export interface GapDetail {
  epoch: string;
  /** Another one than `epoch`: the broker was started anew. */
  lastEpoch: string;
  /** Of the last message that was told, where the filter is one topic; 0: none. */
  lastSeq: number;
  lastTimeUs: number;
}

export interface LagDetail {
  /** Messages that a newer one of their topic stands for. */
  merged: number;
  /** Messages that nothing stands for. */
  skipped: number;
  caughtUp: boolean;
  /** Which, where it is known. */
  ranges: { topic: string; firstSeq: number; lastSeq: number }[];
  moreRanges: boolean;
  /** It was not the connection: messages for an iterator that nobody took (`buffer`). */
  local?: boolean;
}

export class RingcastError extends Error {
  /**
   * The broker's (`bad_topic`, `forbidden`, …: proto/PROTOCOL.md), or one of the client's: `closed`, `full`, `not_sent`,
   * `unknown`, `usage`, `timeout`, `connection`, `token`.
   */
  code: string;
  /** The member to blame. */
  field?: string;
  /** Of the WebSocket, where it was closed. */
  closeCode?: number;
}
