import type { ConnectOptions, HeadersInit, SipMessage } from './index';

/** Headers and body of a message. */
export interface Contents {
  /** Stand for those that the message would have of itself. */
  headers?: HeadersInit;
  /** The body. */
  body?: string;
}

/** A time: a number of milliseconds, or a text such as `'500ms'`, `'32s'`, `'3m'` or `'1h'`. */
export type Time = number | `${number}${'ms' | 's' | 'm' | 'h'}`;

/**
 * A SIP peer for tests. It sends what it is told, and nothing by itself: it repeats nothing, acknowledges nothing and knows no
 * dialogs, so a test can have it do what no well-behaved peer would.
 */
export declare class Peer {
  private constructor();

  /** The port that it has. */
  readonly port: number;
  /** The URI by which it is reached. */
  readonly uri: string;
  /** What has come and was not asked for yet, oldest first. */
  readonly heard: SipMessage[];

  /**
   * Puts a message, or any text, on the wire as it is.
   *
   * @param uri where to: `sip:127.0.0.1:5060`
   */
  send(message: SipMessage | string, uri: string): void;

  /**
   * Sends a request, with the headers that it needs where none are given, to the host and port of its URI.
   *
   * @returns the request as it was sent
   */
  request(method: string, uri: string, contents?: Contents): SipMessage;

  /**
   * Answers a request, to where its topmost Via says.
   *
   * @returns the response as it was sent
   */
  answer(request: SipMessage, status: number, contents?: Contents): SipMessage;

  /**
   * The next message that is wanted: a request of a method, a response with a status, or what a function says. Others stay
   * for those who want them. In a world, time passes until it comes.
   *
   * @param options.patience how long it may take: 5 s without it, and 32 s of virtual time in a world
   * @returns a promise that is rejected with the code `DRT_ERR_NOT_RECEIVED` when none comes
   */
  receives(wanted: number | string | ((message: SipMessage) => boolean), options?: { patience?: Time }): Promise<SipMessage>;

  /** Closes its port: what is sent to it from now on is refused. */
  close(): Promise<void>;
  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens a SIP peer with a UDP socket on 127.0.0.1, for tests.
 *
 * @param options.port any that is free without it
 */
export declare function openPeer(options?: { port?: number }): Promise<Peer>;

/** A peer in a world. */
export interface WorldPeer extends Peer {
  /** Ends its connections, over TCP, TLS and WebSockets. Its port stays open. */
  hangUp(): void;
}

/** Between which two places a message is on its way: `udp/192.0.2.1:5060` and the like. */
export interface Hop {
  /** Where it comes from. */
  from: string;
  /** Where it goes. */
  to: string;
}

/** The quality of the network in a world. What goes over a connection is not lost, doubled or overtaken. */
export interface LinkOptions {
  /**
   * What every message takes.
   *
   * @defaultValue 0
   */
  latency?: Time;
  /**
   * What a message may take more, so that datagrams overtake each other.
   *
   * @defaultValue 0
   */
  jitter?: Time;
  /**
   * The share of datagrams that are lost, from 0 to 1; or a function that says of each message whether it is.
   *
   * @defaultValue 0
   */
  loss?: number | ((message: SipMessage, hop: Hop) => boolean);
  /**
   * The share of datagrams that arrive twice, from 0 to 1.
   *
   * @defaultValue 0
   */
  duplication?: number;
}

/** What a world is like. */
export interface WorldOptions extends LinkOptions {
  /**
   * A whole number from which everything follows that the engines and the network draw: tags, branches, which message is
   * lost. The same seed makes the same run.
   *
   * @defaultValue 0
   */
  seed?: number;
  /**
   * Where names lead to, each to one place or to several that are tried in their order: `'192.0.2.7'`, or with a port and a
   * transport, as an SRV record has them, `'tcp/192.0.2.7:5070'`. Every other name leads nowhere.
   */
  names?: Record<string, string | readonly string[]>;
  /**
   * Whether `setTimeout`, `setInterval`, `clearTimeout`, `clearInterval` and `Date` follow the virtual time until the world
   * is closed: the global ones, those of `node:timers`, and `setTimeout` of `node:timers/promises`. `Date` begins with the
   * year 2000. One world at a time may have them.
   *
   * @defaultValue false
   */
  timers?: boolean;
}

/** A message that was sent in a world. */
export interface SentMessage extends Hop {
  /** When it was sent, in milliseconds of virtual time. */
  time: number;
  /** The message. */
  text: string;
  /** When it arrives: never if it is lost, twice if it is doubled. */
  arrivals: number[];
}

/** What can be connected to a world: an application, an agent, or a framework upon one. */
export interface Connectable {
  /** Starts its engine. */
  connect(options: ConnectOptions, callback: (err: Error | null, hostport?: string) => void): unknown;
  /** Ends its calls; called when the world is closed. */
  disconnect?(): unknown;
}

/**
 * A simulated network on virtual time, in which applications and peers live. Time stands still unless the test waits for it, in
 * `advance` or in `receives`, and then jumps from one event to the next. Before it does, everybody has done what is to be done.
 */
export declare class World {
  private constructor();

  /** The virtual time that has passed, in milliseconds. */
  readonly now: number;
  /** What has been sent, in that order: the last 100,000 messages. */
  readonly sent: SentMessage[];

  /**
   * Connects an application: its engine runs in this world, on the virtual time, and has the addresses of its contacts there.
   * A `*` stands for 192.0.2.1 and 2001:db8::1, or, if somebody has one of them, for 192.0.2.2 and 2001:db8::2, and so on.
   *
   * @param options those of the application's `connect`, but for `observe`
   * @returns where it listens, as `connect` tells it
   */
  connect(application: Connectable, options?: Pick<ConnectOptions, 'contact' | 'engine'>): Promise<string>;

  /**
   * A peer in this world.
   *
   * @param uri by which it is reached, with an address, or a name that leads to one, as its host: `sip:bob@192.0.2.7`,
   *   `sip:kim@192.0.2.8:5070;transport=tcp`
   */
  peer(uri: string): WorldPeer;

  /** Lets time pass, and everything happen that happens in it. */
  advance(time: Time): Promise<void>;

  /**
   * Lets time stand still until a promise is settled: for what the application waits for outside of the world, as a file or a
   * database.
   *
   * @returns the promise
   */
  hold<T extends PromiseLike<unknown>>(work: T): T;

  /** Makes the network another one from now on. What is not mentioned stays. */
  setLink(options: LinkOptions): void;

  /** Disconnects the applications, and brings back the true timers. */
  close(): Promise<void>;
  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Opens a simulated network on virtual time, for tests. */
export declare function openWorld(options?: WorldOptions): World;
