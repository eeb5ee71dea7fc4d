import type { HeadersInit, SipMessage } from './index';

/** Headers and body of a message. */
export interface Contents {
  /** Stand for those that the message would have of itself. */
  headers?: HeadersInit;
  /** The body. */
  body?: string;
}

/**
 * A SIP peer for tests: a UDP socket on 127.0.0.1 that sends what it is told, and nothing by itself. It repeats nothing,
 * acknowledges nothing and knows no dialogs, so a test can have it do what no well-behaved peer would.
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
   * for those who want them.
   *
   * @param options.patience how long it may take, in milliseconds: 5000 without it
   * @returns a promise that is rejected with the code `DRT_ERR_NOT_RECEIVED` when none comes
   */
  receives(wanted: number | string | ((message: SipMessage) => boolean), options?: { patience?: number }): Promise<SipMessage>;

  /** Closes its socket. */
  close(): Promise<void>;
  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens a SIP peer on 127.0.0.1, for tests.
 *
 * @param options.port any that is free without it
 */
export declare function openPeer(options?: { port?: number }): Promise<Peer>;
