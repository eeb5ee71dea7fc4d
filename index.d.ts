import { EventEmitter } from 'node:events';
import { Worker, WorkerOptions } from 'node:worker_threads';

/**
 * Makes an application.
 *
 * @param handlers what to `use` at once
 * @example
 * const app = drachtio();
 * app.options((req, res) => res.send(200));
 * app.connect({ contact: 'sip:*:5060;transport=udp,tcp' });
 */
declare function drachtio(...handlers: drachtio.Handlers[]): drachtio.App;
declare function drachtio(...handlers: drachtio.HandlerArg[]): drachtio.App;

/** An EventEmitter that knows the events of `E` by their arguments. Other events may have any. */
declare class Emitter<E> extends EventEmitter {
  /** Adds a listener. */
  on<K extends keyof E>(event: K, listener: (...args: Extract<E[K], unknown[]>) => void): this;
  on<K extends string | symbol, A extends unknown[]>(event: K extends keyof E ? never : K, listener: (...args: A) => void): this;
  /** Adds a listener. */
  addListener<K extends keyof E>(event: K, listener: (...args: Extract<E[K], unknown[]>) => void): this;
  addListener<K extends string | symbol, A extends unknown[]>(event: K extends keyof E ? never : K, listener: (...args: A) => void): this;
  /** Adds a listener that is called once. */
  once<K extends keyof E>(event: K, listener: (...args: Extract<E[K], unknown[]>) => void): this;
  once<K extends string | symbol, A extends unknown[]>(event: K extends keyof E ? never : K, listener: (...args: A) => void): this;
}

declare namespace drachtio {
  // ---------------------------------------------------------------- applications

  /** A SIP method that has a method of its own on an application, in lower case. */
  type SipMethod =
    | 'INVITE'
    | 'BYE'
    | 'REGISTER'
    | 'INFO'
    | 'SUBSCRIBE'
    | 'OPTIONS'
    | 'MESSAGE'
    | 'NOTIFY'
    | 'CANCEL'
    | 'UPDATE'
    | 'PRACK'
    | 'ACK'
    | 'REFER'
    | 'PUBLISH';

  /** Gives the request to the next handler; with an argument, to the next handler of errors. */
  type Next = (err?: unknown) => void;

  /**
   * Takes a request. What it throws, or what its promise is rejected with, goes to the next handler
   * of errors; when there is none, the request is answered with `err.status` or 500.
   */
  type Handler = (req: Request, res: Response, next: Next) => unknown;

  /**
   * Takes a request whose handler has failed. It is known by its four parameters, of which the first needs a type where
   * it is written: `(err: Error, req: Request, res: Response, next: Next) => …`.
   */
  type ErrorHandler = {
    bivariance(err: unknown, req: Request, res: Response, next: Next): unknown;
  }['bivariance'];

  /** Handlers of requests, and arrays of them to any depth. */
  type Handlers = Handler | readonly Handlers[];

  /** What `use` takes: handlers, applications, and arrays of them to any depth. */
  type HandlerArg = Handler | ErrorHandler | readonly HandlerArg[];

  /** A function that adds handlers for one method, and returns the application. */
  interface UseForMethod {
    (...handlers: Handlers[]): App;
    (...handlers: HandlerArg[]): App;
  }

  /** `app.invite(…)` and its thirteen brothers: `app.use` for one method. */
  type MethodHandlers = { [M in Lowercase<SipMethod>]: UseForMethod };

  /**
   * What an application shares with its handlers. Augment it with what yours has.
   *
   * @example
   * declare module 'drachtio' {
   *   interface Locals { users: Map<string, string> }
   * }
   */
  interface Locals {
    [name: string]: unknown;
  }

  /**
   * What middleware adds to a request. Augment it with what yours adds.
   *
   * @example
   * declare module 'drachtio' {
   *   interface RequestExtras { user?: string }
   * }
   */
  interface RequestExtras {}

  /** Which drachtio-server `connect` connects to, and how. `host` or `port` must be there. See `docs/connecting.md`. */
  interface ServerOptions {
    /**
     * Where the server is: a name or an address.
     *
     * @defaultValue `'localhost'`
     */
    host?: string;
    /**
     * Its port for applications.
     *
     * @defaultValue 9022
     */
    port?: number | string;
    /** What both sides know, without a bar or a line break in it. */
    secret: string;
    /** Up to 20 names by which the server can choose the application, of up to 32 letters, digits and `-_+@:`. */
    tags?: string | readonly string[];
    /** One more tag. */
    label?: string;
    /** Whether to use TLS: true, or options of `tls.connect`. */
    tls?: boolean | import('node:tls').ConnectionOptions;
    /** How connections are tried again: after 255 ms, 433, 736 and so on. */
    reconnect?: ReconnectOptions;
    /**
     * Whether to ask the server, every `pingInterval`, if it is there.
     *
     * @defaultValue false
     */
    enablePing?: boolean;
    /**
     * Milliseconds between two pings, 5,000 to 300,000. A server that is silent for so long after one is given up.
     *
     * @defaultValue 15000
     */
    pingInterval?: number;
    /** Methods to ask for beside those that have a handler; `['*']` is all. */
    methods?: readonly string[];
    /** Gets every command and event as text. */
    logger?: NodeJS.WritableStream | string | ((text: string) => void);
  }

  /** How a connection to a server is tried again. */
  interface ReconnectOptions {
    /** Connections in a row that may fail, the first one included; without it there is no limit. */
    maxAttempts?: number;
    /**
     * The longest time between two attempts, in milliseconds.
     *
     * @defaultValue 60000
     */
    retryMaxDelay?: number;
    /** How long to wait between attempts all in all, in milliseconds; without it there is no limit. */
    connectTimeout?: number;
  }

  /** How `listen` lets drachtio-servers connect. See `docs/connecting.md`. */
  interface ListenOptions {
    /**
     * The port to listen on; 0 takes any free one.
     *
     * @defaultValue 0
     */
    port?: number | string;
    /** The address to listen on; without it, all. */
    host?: string;
    /** What both sides know. It is shown to whoever connects. */
    secret: string;
    /** Up to 20 names, of up to 32 letters, digits and `-_+@:`. */
    tags?: string | readonly string[];
    /** One more tag. */
    label?: string;
    /** Whether to use TLS: options of `tls.createServer`. */
    tls?: import('node:tls').TlsOptions;
    /** The server to use, if the application has made one. */
    server?: import('node:net').Server;
    /** Gets every command and event as text. */
    logger?: NodeJS.WritableStream | string | ((text: string) => void);
  }

  /** How `connect` starts the engine. */
  interface ConnectOptions {
    /**
     * Where to listen: `sip:[user@]host[:port][;transport=udp,tcp,tls,ws,wss]`, one or several. The host is an
     * address of this machine, or `*` for all of them.
     *
     * @defaultValue `'sip:*;transport=udp,tcp'`
     */
    contact?: string | ContactOptions | readonly (string | ContactOptions)[];
    /** How the engine works. See `docs/options.md`. */
    engine?: EngineOptions;
    /** What is shown of the engine at work. See `docs/operations.md`. */
    observe?: ObserveOptions;
  }

  /** Where to listen, and how that place is known to others. See `docs/addresses.md`. */
  interface ContactOptions {
    /** Where to listen: `sip:[user@]host[:port][;transport=udp,tcp]`. */
    uri: string;
    /**
     * What peers outside `localNet` are shown instead of the local address, in Via, Contact, Record-Route and Path:
     * an address or a name, and the port where a translator maps it to another one, as in `'203.0.113.7:15060'`.
     */
    externalIp?: string;
    /**
     * The peers that are shown the local address although there is an external one, as in `['10.0.0.0/8']`.
     *
     * @defaultValue private addresses; those on the same link if `externalIp` is a private address itself
     */
    localNet?: readonly string[];
    /** Further names of this host: a URI or Route with one of them means this engine. */
    dnsNames?: readonly string[];
  }

  /**
   * How the engine works. A wrong or unknown option is an error at `connect`, with code `DRT_ERR_INVALID_OPTION`
   * and the full name of the option.
   */
  interface EngineOptions {
    /** How long things take. */
    timers?: TimerOptions;
    /** Session timers (RFC 4028), which end calls whose peer has vanished. */
    sessionTimers?: SessionTimerOptions;
    /**
     * Whether the application may accept an INVITE whose `Replaces` names no call of this engine's, because it keeps
     * calls elsewhere.
     *
     * @defaultValue false: such an INVITE is answered 481 when the application accepts it
     */
    foreignReplaces?: boolean;
    /**
     * Whether INVITEs may be proxied with `stateful: false`. The engine then waits 200 ms for the application before it
     * answers 100, and gives it the ACKs and CANCELs that belong to no transaction.
     *
     * @defaultValue false
     */
    stateless?: boolean;
    /** What is done about peers behind address translators. */
    nat?: NatOptions;
    /** How much the engine holds at once. */
    limits?: LimitOptions;
    /**
     * Whether the caller of every new INVITE is told 180 before the application is asked.
     *
     * @defaultValue false
     */
    alwaysRing?: boolean;
    /**
     * Which OPTIONS outside a dialog the engine answers by itself, 200 with Allow, Accept and Supported: all, none, or
     * those with exactly this User-Agent.
     *
     * @defaultValue false
     */
    optionsAutoAnswer?: boolean | string;
    /**
     * The option tags of the extensions that the application implements. A request that requires another one is
     * answered 420 when the application accepts it, or, for Proxy-Require, when it proxies it.
     *
     * @defaultValue in an answer all that are registered with IANA; none when a request is proxied
     */
    supported?: readonly string[];
    /**
     * The types of bodies that the application understands in an INVITE, as in `application/sdp` or `multipart/*`. An
     * INVITE with another one is answered 415 when the application accepts it.
     *
     * @defaultValue those that come with calls
     */
    accept?: readonly string[];
    /** Which requests are turned away before the application is asked. */
    screening?: ScreeningOptions;
    /** Certificates, and whom to trust. See `docs/tls.md`. */
    tls?: TlsOptions;
    /**
     * Whether a caller that has called a `sips:` URI and shows a `sip:` Contact is shown one.
     *
     * @defaultValue false: RFC 3261 §12.1.1 forbids that
     */
    bestEffortTls?: boolean;
    /** How long a connection of TCP, TLS or a WebSocket may wait for what. */
    connections?: ConnectionOptions;
    /** Whom to ask where names lead to. */
    dns?: DnsOptions;
    /** How destinations are chosen and left. */
    nextHop?: NextHopOptions;
  }

  /** What is done about peers behind address translators. See `docs/addresses.md`. */
  interface NatOptions {
    /**
     * Where requests inside a dialog go when no proxy has recorded a route: to the Contact, unless that cannot be
     * reached (`'auto'`); to where the peer was last heard from (`'source'`); always to the Contact (`'contact'`).
     *
     * @defaultValue `'auto'`
     */
    inDialog?: 'auto' | 'source' | 'contact';
    /**
     * Whether a request to the Contact of a client that nobody can connect to goes where its registration came from.
     *
     * @defaultValue true
     */
    registrations?: boolean;
    /**
     * Whether a recorded route, or a Contact, with the parameter `nat=yes` is not used: requests inside the dialog go to
     * where the peer was last heard from.
     *
     * @defaultValue false
     */
    markedRoutes?: boolean;
  }

  /** Which requests are turned away. Those inside a dialog are not looked at. */
  interface ScreeningOptions {
    /** The marks of unwelcome programs. */
    spammers?: readonly {
      /** Where the mark is: the whole User-Agent, or the user of the From or To. */
      header: 'User-Agent' | 'From' | 'To';
      /** The marks, as they are written. */
      contains: readonly string[];
    }[];
    /**
     * Whether a request of such a program that came by UDP is answered 603, or dropped.
     *
     * @defaultValue `'reject'`
     */
    action?: 'reject' | 'discard';
    /**
     * The same of one that came over a connection.
     *
     * @defaultValue `'reject'`
     */
    streamAction?: 'reject' | 'discard';
    /** The numeric addresses of senders whose requests are dropped. */
    blocked?: readonly string[];
    /**
     * Whether a REGISTER is answered 403 whose request-URI has an address in the place of a domain.
     *
     * @defaultValue false
     */
    registerNeedsRealm?: boolean;
  }

  /** What is shown of an engine at work. See `docs/operations.md`. */
  interface ObserveOptions {
    /** Numbers for Prometheus at `/metrics`, and `/healthz` and `/readyz`, by HTTP. `{}` is `http://127.0.0.1:9100/metrics`. */
    metrics?: {
      /**
       * The address to listen on.
       *
       * @defaultValue `'127.0.0.1'`
       */
      host?: string;
      /**
       * 0: any that is free.
       *
       * @defaultValue 9100
       */
      port?: number;
    };
    /** A log of what happens, without credentials and keys. `{}` is one of level `info` on the standard error output. */
    log?: {
      /**
       * What is the least important that is logged.
       *
       * @defaultValue `'info'`
       */
      level?: 'notice' | 'error' | 'warning' | 'info' | 'debug';
      /**
       * Lines as drachtio-server writes them, or an object of JSON in each.
       *
       * @defaultValue `'text'`
       */
      format?: 'text' | 'json';
      /**
       * Whether SIP messages are logged, at level `info`.
       *
       * @defaultValue true
       */
      messages?: boolean;
      /**
       * Whether lines go to the standard error output.
       *
       * @defaultValue true if they go nowhere else
       */
      console?: boolean;
      /** A file that they are appended to. */
      file?: TraceFile & {
        /** The directory that old files go to. */
        archive?: string;
        /** Whether every day (UTC) has a file of its own. */
        daily?: boolean;
        /** Whether everybody on the host may read it, not only its owner and group. */
        readableByAll?: boolean;
      };
      /** A collector that they are sent to (RFC 5424, by UDP). */
      syslog?: {
        /** A numeric address; without a port 514. */
        address: string;
        /**
         * What lines are filed under.
         *
         * @defaultValue `'local0'`
         */
        facility?: `local${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7}`;
      };
    };
    /** A capture server (Homer) that every message is sent to. */
    hep?: {
      /** A numeric address; without a port 9060. */
      address: string;
      /**
       * The number by which it knows this host.
       *
       * @defaultValue 1
       */
      captureId?: number;
      /**
       * The version of the protocol.
       *
       * @defaultValue 3
       */
      version?: 1 | 2 | 3;
    };
    /** A capture file that every message is written to. */
    pcap?: TraceFile;
    /** A file that every call detail record is written to, an object of JSON on each line. */
    cdr?: TraceFile & {
      /** Whether every day (UTC) has a file of its own. */
      daily?: boolean;
    };
  }

  /** A file that is begun anew when it is full. */
  interface TraceFile {
    /** Its name. */
    path: string;
    /**
     * How many bytes it may hold, 4,096 at least.
     *
     * @defaultValue 52428800
     */
    maxSize?: number;
    /**
     * How many old files are kept, 1 to 10,000.
     *
     * @defaultValue 100
     */
    maxFiles?: number;
  }

  /** How long things take, in milliseconds. */
  interface TimerOptions {
    /**
     * T1 of RFC 3261: an estimate of the round-trip time. A transaction gives up after 64 times this.
     * 10 to 60,000 milliseconds.
     *
     * @defaultValue 500
     */
    t1?: number;
    /**
     * T2 of RFC 3261: the longest interval between repetitions, except of an INVITE. 10 to 600,000 milliseconds.
     *
     * @defaultValue 4000
     */
    t2?: number;
    /**
     * T4 of RFC 3261: how long a message may stay in the network. 10 to 600,000 milliseconds.
     *
     * @defaultValue 5000
     */
    t4?: number;
    /**
     * How long a transaction waits for its response (timers B, F, H, J, L, M). 640 to 3,840,000 milliseconds.
     *
     * @defaultValue 64 times `t1`
     */
    transaction?: number;
    /**
     * Timer C: how long an INVITE that was sent or proxied may ring after its last provisional response. RFC 3261
     * asks for more than three minutes. 1,000 to 86,400,000 milliseconds.
     *
     * @defaultValue 185000
     */
    c?: number;
    /**
     * How long the application may take to its first response. 100 to 86,400,000 milliseconds.
     *
     * @defaultValue 64000
     */
    application?: number;
    /**
     * How long the application may take to its next response once it has answered an INVITE provisionally.
     * 1,000 to 86,400,000 milliseconds.
     *
     * @defaultValue 3600000
     */
    ringing?: number;
  }

  /** Session timers (RFC 4028). */
  interface SessionTimerOptions {
    /**
     * The interval that is offered in calls whose application says nothing of it, in seconds. Without it a call has a
     * session timer only if an application or the peer asks for one. 90 to 86,400 seconds.
     */
    expires?: number;
    /**
     * The least interval, in seconds: an INVITE or UPDATE that asks for less is answered 422, and the application is
     * not asked. 90 to 86,400 seconds.
     *
     * @defaultValue 90
     */
    minSE?: number;
    /**
     * Who refreshes a call that came to us, if the caller leaves it to us: the caller, or the engine. `'none'`: then the
     * call has no session timer.
     *
     * @defaultValue `'uac'`
     */
    refresher?: 'uac' | 'uas' | 'none';
  }

  /** How much the engine holds at once. What is new is refused when a table is full; what is there goes on. */
  interface LimitOptions {
    /**
     * Requests received, until their last timer has run. 1 to 10,000,000.
     *
     * @defaultValue 500000
     */
    serverTransactions?: number;
    /**
     * Requests sent, until their last timer has run. 1 to 10,000,000.
     *
     * @defaultValue 500000
     */
    clientTransactions?: number;
    /**
     * Dialogs, early and confirmed. 1 to 10,000,000.
     *
     * @defaultValue 200000
     */
    dialogs?: number;
    /**
     * Requests being proxied, those that wait out their last timer included. 1 to 10,000,000.
     *
     * @defaultValue 500000
     */
    proxies?: number;
    /**
     * Names being looked up. 1 to 10,000,000.
     *
     * @defaultValue 10000
     */
    lookups?: number;
    /**
     * Registrations of clients that are reached only the way they came. When there are more, the one that would
     * lapse first is forgotten. 1 to 10,000,000.
     *
     * @defaultValue 100000
     */
    registrations?: number;
    /**
     * Connections, open and opening. When there are more, the one that is missed least is closed. 1 to 10,000,000.
     *
     * @defaultValue 10000
     */
    connections?: number;
    /**
     * Messages that may wait on one connection. 1 to 10,000,000.
     *
     * @defaultValue 8192
     */
    queuedMessages?: number;
    /**
     * Bytes that may wait on one connection. 65,536 to 1,073,741,824 bytes.
     *
     * @defaultValue 4194304
     */
    queuedBytes?: number;
    /**
     * What the system is asked to buffer for a UDP socket in each direction. 4,096 to 1,073,741,824 bytes.
     *
     * @defaultValue 4194304
     */
    udpBuffer?: number;
  }

  /** A certificate and its private key, in PEM, each as text or as the name of a file. */
  interface CertificateOptions {
    /** The certificate, and after it those that lead from it to an authority. */
    cert: string;
    /** The private key, without a passphrase. */
    key: string;
    /**
     * The host names for which it is shown.
     *
     * @defaultValue those in the certificate
     */
    names?: readonly string[];
  }

  /** How TLS is done, for SIP over TLS and over secure WebSockets, in both directions. */
  interface TlsOptions {
    /**
     * What clients are shown: the certificate for the name that they ask for (SNI), or else the first one. A contact
     * with `tls` or `wss` needs one at least.
     */
    certificates?: readonly CertificateOptions[];
    /**
     * The certificate authorities that are trusted, in PEM, as texts or names of files. Certificates of servers may
     * be among them.
     *
     * @defaultValue those of the operating system
     */
    ca?: readonly string[];
    /**
     * Whether a server must show a certificate for the host of the URI that a request is sent to. When it does not,
     * the request is answered 503, with the reason in a Warning header.
     *
     * @defaultValue true
     */
    verifyServer?: boolean;
    /** What servers are shown that ask for a certificate. */
    clientCertificate?: Omit<CertificateOptions, 'names'>;
    /**
     * Whether clients are asked for a certificate of an authority in `ca`, and refused without one.
     *
     * @defaultValue 'ignore'
     */
    clientCertificates?: 'ignore' | 'request' | 'require';
    /**
     * The oldest version that is spoken.
     *
     * @defaultValue 'TLSv1.2'
     */
    minVersion?: 'TLSv1.2' | 'TLSv1.3';
    /**
     * The cipher suites that may be chosen, the best first, by the names of IANA or OpenSSL. Those of TLS 1.3 are there
     * unless some of them are named.
     *
     * @defaultValue all there are
     */
    ciphers?: readonly string[];
  }

  /** How long a connection of TCP, TLS or a WebSocket may wait for what, in milliseconds. */
  interface ConnectionOptions {
    /**
     * For a peer to accept a connection. 10 to 86,400,000 milliseconds.
     *
     * @defaultValue 5000
     */
    connectTimeout?: number;
    /**
     * For a TLS handshake. 10 to 86,400,000 milliseconds.
     *
     * @defaultValue 10000
     */
    tlsHandshakeTimeout?: number;
    /**
     * For the handshake of a WebSocket. 10 to 86,400,000 milliseconds.
     *
     * @defaultValue 10000
     */
    webSocketHandshakeTimeout?: number;
    /**
     * From the first byte of a message to its last. 10 to 86,400,000 milliseconds.
     *
     * @defaultValue 30000
     */
    messageTimeout?: number;
    /**
     * For a peer to read something of what it is sent. 10 to 86,400,000 milliseconds.
     *
     * @defaultValue 32000
     */
    writeTimeout?: number;
    /**
     * For anything to be exchanged, but for the pings of this side. 0 means for ever. 0 to 86,400,000 milliseconds.
     *
     * @defaultValue 0
     */
    idleTimeout?: number;
    /**
     * How long the peer of a TCP or TLS connection that was opened here may be silent before it is sent a ping of RFC
     * 5626; when it does not answer in 10 seconds, the connection is closed. 0 sends none.
     * 0 to 86,400,000 milliseconds.
     *
     * @defaultValue 0
     */
    keepAliveInterval?: number;
    /**
     * The same for a WebSocket, whoever has opened it, with pings of RFC 6455. 0 to 86,400,000 milliseconds.
     *
     * @defaultValue 30000
     */
    webSocketPingInterval?: number;
    /**
     * The web sites whose pages may open a WebSocket, as browsers name them: `https://app.example.com`. Others are
     * refused with 403: without this, a page that somebody inside your network opens can reach the engine from there.
     * A client that is no browser shows no origin, and is let in.
     *
     * @defaultValue any
     */
    webSocketOrigins?: readonly string[];
    /**
     * How many requests in a row may have had no response over a connection before it is taken for dead and closed.
     * 0: any number. 0 to 1,000.
     *
     * @defaultValue 0
     */
    maxTimeouts?: number;
  }

  /** Whom to ask where names lead to (RFC 3263), and how long to wait. */
  interface DnsOptions {
    /**
     * The name servers to ask, and no others: numeric addresses with or without a port. Without this option they are
     * those of the system, and the system's own resolver is asked for what is not in the DNS.
     */
    servers?: readonly string[];
    /**
     * How long a name server may take to answer. 50 to 60,000 milliseconds.
     *
     * @defaultValue 2000
     */
    timeout?: number;
    /**
     * How often a name server is asked before it is given up. 1 to 10.
     *
     * @defaultValue 2
     */
    attempts?: number;
    /**
     * How long the look-up of a host may take in all. Then what has been answered must do.
     * 100 to 120,000 milliseconds.
     *
     * @defaultValue 10000
     */
    deadline?: number;
    /**
     * Whether NAPTR records are asked for. Without them SRV and address records decide.
     *
     * @defaultValue true
     */
    naptr?: boolean;
  }

  /** How destinations are chosen and left. */
  interface NextHopOptions {
    /**
     * A SIP URI that every new request is sent to, whatever its request-URI, unless the application says where to; and
     * every branch of a proxied one.
     */
    outboundProxy?: string;
    /**
     * How long a destination that has failed is tried after all others; twice as long when it fails
     * again, up to 8 minutes. 0: never. 0 to 480,000 milliseconds.
     *
     * @defaultValue 30000
     */
    avoidFor?: number;
    /**
     * The most bytes of a request that goes by UDP when its URI says nothing of the transport and there is a TCP
     * listener (RFC 3261 §18.1.1). 65535: every request does. 0 to 65,535 bytes.
     *
     * @defaultValue 1300
     */
    udpRequestLimit?: number;
  }

  /**
   * Told how `connect` went: the error, or the addresses listened on, as in `udp/127.0.0.1:5060,tcp/127.0.0.1:5060`. With a
   * drachtio-server also its version and its local addresses, if it tells them, and again after every reconnect.
   */
  type ConnectCallback = (err: Error | null, hostport?: string, serverVersion?: string, localHostports?: string) => void;

  /** What an application had on a connection that has ended. What it waited for there has failed already. */
  interface ClosedConnection {
    /** `tcp` and so on. */
    protocol: string;
    /** The address of the other end. */
    source_address: string;
    /** The port of the other end. */
    source_port: number;
    /** The Contacts that were registered over it: they are reached no longer until they register again. */
    registrations: string[];
    /** The `stackDialogId` of each dialog whose peer was last heard on it. */
    dialogs: string[];
    /** The `stackTxnId` of each request that came over it and has no final response yet. */
    requests: string[];
  }

  /** The events of an application and of an agent. */
  interface AppEvents {
    /**
     * The engine listens, or a drachtio-server knows the application: for the first time, or again. With an error (and nothing
     * else) when the secret is wrong.
     */
    connect: [err: Error | null, hostport: string, serverVersion?: string, localHostports?: string];
    /** A connection to a drachtio-server has ended or could not be made: after `delay` milliseconds the next one is tried. */
    reconnecting: [next: { delay: number; attempt: number }];
    /** The application listens for drachtio-servers. */
    listening: [];
    /** A call detail record: somebody wants to make a call. `source` is `network` or `application`. See `docs/operations.md`. */
    'cdr:attempt': [source: string, time: string, msg: SipMessage];
    /** A call was answered. `role` is `uac`, `uas`, `proxy-uac` or `proxy-uas`. */
    'cdr:start': [source: string, time: string, role: string, msg: SipMessage];
    /** A call has ended, or has not begun: `reason` is `normal-release`, `call-rejected`, `call-canceled` and so on. */
    'cdr:stop': [source: string, time: string, reason: string, msg: SipMessage];
    /** A connection has ended on which the application had registrations, dialogs or requests without an answer. */
    'connection:closed': [closed: ClosedConnection];
    /** The engine has ended, after `disconnect`, or a connection to a drachtio-server has: one that it has made has its socket. */
    close: [socket?: import('node:net').Socket];
    /**
     * The engine could not be started, or has failed. With drachtio-servers: a connection has failed; that of a server that has
     * connected comes with its socket.
     */
    error: [err: Error, socket?: import('node:net').Socket];
  }

  /** An application: a function that takes requests, with handlers behind it. */
  interface App extends Emitter<AppEvents>, MethodHandlers {
    (req: Request, res: Response, next?: Next): void;

    /** The handlers, in the order in which they are asked. */
    readonly stack: { method: string; handle: Handler | ErrorHandler }[];
    /** The method that this application is mounted for; `*` for all. */
    method: string;
    /** A place for what the application shares with its handlers. */
    readonly locals: Locals;
    /** The agent, once `connect` has been called. */
    readonly client: Agent | undefined;
    /**
     * Whether nothing is awaited: no answer of the engine, no final response to a request that was sent, no
     * ACK or PRACK that a callback waits for. Undefined before `connect`.
     */
    readonly idle: boolean | undefined;

    /** Adds handlers for every method. */
    use(...handlers: Handlers[]): this;
    use(...handlers: HandlerArg[]): this;
    /** Adds handlers for every method whose name begins so, in any case, or for several such. */
    use(method: string | readonly string[], ...handlers: Handlers[]): this;
    use(method: string | readonly string[], ...handlers: HandlerArg[]): this;

    /**
     * Adds handlers that decide on requests inside dialogs which pass along a route that was recorded here
     * (`remainInDialog`): each answers the request, proxies it, or calls `next`. One that nobody has answered or
     * proxied passes. ACKs are not asked about.
     */
    onInDialog(...handlers: Handlers[]): this;
    onInDialog(...handlers: HandlerArg[]): this;
    /** The same for the methods whose name begins so. */
    onInDialog(method: string | readonly string[], ...handlers: Handlers[]): this;
    onInDialog(method: string | readonly string[], ...handlers: HandlerArg[]): this;

    /**
     * Asks for no more requests of a method, or of the methods that begin so. Handlers stay, and get requests inside
     * the calls and subscriptions of this application.
     *
     * @throws an error with code `DRT_ERR_NOT_ROUTED` when they were not asked for
     */
    removeRoute(method: string): this;

    /** Gives a request to the handlers. `next` is called after the last of them. */
    handle(req: Request, res: Response, next?: Next): void;

    /**
     * Starts the SIP engine in this process.
     *
     * @throws an error with code `DRT_ERR_INVALID_OPTION`, `DRT_ERR_ALREADY_CONNECTED` or `DRT_ERR_NO_NATIVE`. What
     * shows when it starts, as a contact that makes no sense or an address that cannot be listened on, is told to the
     * callback, or else is an `error` event.
     * @example
     * app.connect({ contact: 'sip:*:5060;transport=udp,tcp' }, (err, hostport) => {
     *   if (err) throw err;
     *   console.log(`listening on ${hostport}`);
     * });
     */
    connect(options?: ConnectOptions, callback?: ConnectCallback): this;
    connect(callback: ConnectCallback): this;
    /**
     * Connects to a drachtio-server, and again when the connection is lost.
     *
     * @throws an error with code `DRT_ERR_INVALID_OPTION`, `DRT_ERR_ALREADY_CONNECTED` or `DRT_ERR_NO_NATIVE`
     */
    connect(options: ServerOptions, callback?: ConnectCallback): this;

    /**
     * Listens for drachtio-servers that connect to the application when they have a request for it. Each request is answered
     * on its own connection. An address that cannot be listened on is an `error` event.
     *
     * @throws an error with code `DRT_ERR_INVALID_OPTION`, `DRT_ERR_ALREADY_CONNECTED` or `DRT_ERR_NO_NATIVE`
     */
    listen(options: ListenOptions, callback?: () => void): import('node:net').Server;
    /** Listens no longer. What servers have connected goes on. */
    close(): void;
    /**
     * Ends the connection on which a server has brought a request, when everything has been written. Does nothing to a
     * connection that the application has made.
     */
    endSession(message: Request | Response): void;

    /**
     * Sends a request. The callback gets the request as it was sent. Before the engine has started, the request
     * waits until it has.
     *
     * @throws an error with code `DRT_ERR_NOT_CONNECTED` before `connect`, and a `TypeError` with a code for
     * arguments that cannot be meant
     * @example
     * const req = await app.request({ uri: 'sip:bob@10.0.0.1', method: 'OPTIONS' });
     * for await (const res of req.responses()) console.log(res.status);
     */
    request(options: RequestOptions & { uri: string }, callback: RequestCallback): void;
    request(options: RequestOptions & { stackDialogId: string | undefined }, callback: RequestCallback): void;
    request(uri: string, options: RequestOptions, callback: RequestCallback): void;
    /** Sends a request. The promise has the request as it was sent. */
    request(options: RequestOptions & { uri: string }): Promise<Request>;
    request(options: RequestOptions & { stackDialogId: string | undefined }): Promise<Request>;
    request(uri: string, options: RequestOptions): Promise<Request>;

    /**
     * Notes a setting. `api logger` means something: a stream, the name of a file, or a function gets every
     * command and event as text, until it is set to null.
     */
    set(name: 'api logger', target: NodeJS.WritableStream | string | ((text: string) => void) | null): void;
    set(name: string, value: unknown): void;
    /** A setting. `hostport` is what `connect` told. */
    get(name: 'hostport'): string | undefined;
    get(name: string): unknown;
    /** The settings, by their names. */
    readonly params: Record<string, unknown>;

    /**
     * Turns away other requests from now on: `engine.screening` of `connect`, in the place of what was said there.
     *
     * @throws a `TypeError` with code `DRT_ERR_INVALID_OPTION`, and an error with code `DRT_ERR_NOT_CONNECTED`
     */
    setScreening(screening: ScreeningOptions): void;

    /** The numbers of the engine in the text format of Prometheus. See `docs/operations.md`. */
    metrics(): Promise<string>;

    /**
     * Takes new certificates into use while calls go on: connections that begin later use them. What is given stands in
     * the place of `engine.tls` of `connect`; without it, the files that were named there are read again.
     *
     * @returns a promise that is fulfilled when the new settings are in force, and rejected, with an error that has a
     * `code`, when they cannot be used; then the old ones stay
     */
    reloadTls(tls?: TlsOptions): Promise<void>;

    /**
     * Gives a request to the application as if it had come from the network, and says what the application makes of it. No
     * engine and no socket takes part: for tests. See `docs/testing.md`.
     *
     * @param request a method, the text of a request, or a message
     * @returns a promise that waits for the final response. It is rejected with the reason of the signal, and with a
     * `TypeError` with a code for what is no request
     */
    inject(request: string | SipMessage, options?: InjectOptions): Promise<Injected>;

    /**
     * Rejects new requests with 503 and Retry-After and lets calls go on, then disconnects: when the last dialog and the
     * last open transaction have ended, and after `deadline` milliseconds (30,000) in any case. For an application with the
     * engine in its own process.
     *
     * @returns a promise that is fulfilled when the sockets are closed, and rejected with an error with code
     * `DRT_ERR_INVALID_OPTION`, `DRT_ERR_NOT_CONNECTED` or, with a drachtio-server, `DRT_ERR_NOT_EMBEDDED`
     */
    drain(options?: { deadline?: number }): Promise<void>;

    /** Ends every call and closes the sockets. May be called at any time. */
    disconnect(): Promise<void>;
    /** The same as `disconnect`, for `await using app = drachtio()`. */
    [Symbol.asyncDispose](): Promise<void>;
  }

  /** The request that `inject` makes of a method, and where it seems to come from. */
  interface InjectOptions {
    /**
     * The request-URI.
     *
     * @defaultValue `'sip:app@127.0.0.1'`
     */
    uri?: string;
    /** Stand for those that a request has of itself. */
    headers?: HeadersInit;
    /** The body. */
    body?: string;
    /** The `stackDialogId` of the dialog that the request is in. */
    dialogId?: string;
    /** The `source_address`. */
    address?: string;
    /** The `source_port`. */
    port?: number;
    /** The `protocol`. */
    protocol?: string;
    /**
     * The status that a destination answers with if the request is proxied.
     *
     * @defaultValue 200 for each
     */
    proxied?: (destination: string) => number;
    /** The caller gives up: an INVITE is cancelled, any other request is waited for no longer. */
    signal?: AbortSignal;
  }

  /** What has become of a request that was given to `inject`. */
  interface Injected {
    /** The status of the final response; 0 for an ACK, which has none. */
    status: number;
    /** The reason. */
    reason: string;
    /** The headers. */
    headers: Headers;
    /** The body. */
    body: string;
    /** The final response. */
    message: SipMessage | undefined;
    /** The responses before it. */
    provisional: SipMessage[];
    /** The destinations that were tried, if the request was proxied. */
    proxied: string[] | undefined;
  }

  /** One application's access to the SIP engine: `app.client`, or by itself with a function for its requests. */
  class Agent extends Emitter<AppEvents> {
    /** @param handler gets every request: an application, or any function */
    constructor(handler: Handler);

    /** Whether nothing is awaited. */
    readonly idle: boolean;

    /** Starts the SIP engine, or connects to a drachtio-server, as `app.connect` does. */
    connect(options?: ConnectOptions, callback?: ConnectCallback): this;
    connect(callback: ConnectCallback): this;
    connect(options: ServerOptions, callback?: ConnectCallback): this;
    /** Listens for drachtio-servers, as `app.listen` does. */
    listen(options: ListenOptions, callback?: () => void): import('node:net').Server;
    /** Listens no longer. */
    close(): void;
    /** Ends the connection on which a server has brought a request. */
    endSession(message: Request | Response): void;

    /** Asks for the requests of a method. */
    route(method: string): void;
    /**
     * Asks for no more requests of a method.
     *
     * @throws an error with code `DRT_ERR_NOT_ROUTED` when it was not asked for
     */
    removeRoute(method: string): void;

    /** Sends a request, as `app.request` does. */
    readonly request: App['request'];
    /** The same as `request`. */
    readonly uac: App['request'];

    /** Notes a setting. `handler` takes the requests from then on; `api logger` is as for `app.set`. */
    set(name: string, value: unknown): void;
    /** A setting. */
    get(name: string): unknown;
    /** The settings, by their names. */
    readonly params: Record<string, unknown>;

    /** The sizes of the engine's tables, by their names; empty when not connected. */
    census(): Record<string, number>;

    /**
     * Turns away other requests from now on: `engine.screening` of `connect`, in the place of what was said there.
     *
     * @throws a `TypeError` with code `DRT_ERR_INVALID_OPTION`, and an error with code `DRT_ERR_NOT_CONNECTED`
     */
    setScreening(screening: ScreeningOptions): void;

    /** The numbers of the engine in the text format of Prometheus. See `docs/operations.md`. */
    metrics(): Promise<string>;

    /**
     * Takes new certificates into use while calls go on: connections that begin later use them. What is given stands in
     * the place of `engine.tls` of `connect`; without it, the files that were named there are read again.
     *
     * @returns a promise that is fulfilled when the new settings are in force, and rejected, with an error that has a
     * `code`, when they cannot be used; then the old ones stay
     */
    reloadTls(tls?: TlsOptions): Promise<void>;

    /**
     * What has happened since the engine started: `malformed` messages, `repeatedRequests` received,
     * `retransmissions` sent, `overloads` (requests refused because a table was full or messages waited too long), `failovers` (requests that
     * went to another destination because one had failed) and `timeLost`, the milliseconds that these had spent on
     * the destinations that failed. Empty when not connected.
     */
    counters(): Record<string, number>;

    /** As `app.drain`. */
    drain(options?: { deadline?: number }): Promise<void>;

    /** Ends every call and closes the sockets. */
    disconnect(): Promise<void>;
  }

  // ---------------------------------------------------------------- messages

  /** What a header can be given as. An array is a list of values; undefined and null are no header. */
  type HeaderValue = string | number | boolean | readonly (string | number)[] | null | undefined;

  /** Headers by their names, in any case. */
  type HeadersInit = Record<string, HeaderValue>;

  /** Headers of a message: names in lower case, except `X-…` and `Diversion`; several values joined with commas. */
  type Headers = Record<string, string>;

  /** One part of a body. */
  interface Payload {
    /** Its Content-Type. */
    type: string | undefined;
    /** Its text. */
    content: string;
  }

  /** An address with its display name and the parameters of the header. */
  interface NameAddr {
    /** The display name, with its quotes. */
    name: string | undefined;
    /** The URI, as text. */
    uri: string;
    /** The parameters; undefined for one without a value. */
    params: Record<string, string | undefined>;
  }

  /** The addresses of a Contact header. The array answers for its first element as well. */
  type ContactList = NameAddr[] & NameAddr;

  /** One value of Route, Record-Route or Path. */
  interface RouteEntry {
    /** The display name, with its quotes. */
    name: string | undefined;
    /** The URI, parsed; undefined if it is no SIP or TEL URI. */
    uri: SipUri | TelUri | undefined;
    /** The parameters of the header. */
    params: Record<string, string | undefined>;
  }

  /** One value of Via. */
  interface Via {
    /** As in `2.0`. */
    version: string;
    /** As in `UDP`. */
    protocol: string;
    /** A name or an address; an IPv6 address in its brackets. */
    host: string;
    /** Undefined if there is none. */
    port: number | undefined;
    /** The parameters; undefined for one without a value. */
    params: Record<string, string | undefined>;
  }

  /** A CSeq header. */
  interface CSeq {
    /** The number; NaN if it is none. */
    seq: number;
    /** The method. */
    method: string;
  }

  /** A challenge, or credentials: the scheme, and the parameters as written, quotes and all. */
  interface AuthHeader {
    /** As in `Digest`. */
    scheme: string;
    [parameter: string]: string | undefined;
  }

  /** A `sip:` or `sips:` URI. */
  interface SipUri {
    /** `ipv6` when the host is an IPv6 address. */
    family: 'ipv4' | 'ipv6';
    /** The scheme. */
    scheme: 'sip' | 'sips';
    /** The scheme, by the name it had up to drachtio 4.1. */
    schema: 'sip' | 'sips';
    /** The user part as written, escapes and all. */
    user: string | undefined;
    /** The password. */
    password: string | undefined;
    /** A name or an address; an IPv6 address in its brackets. */
    host: string;
    /** NaN if there is none. */
    port: number;
    /** The parameters; null for one without a value. */
    params: Record<string, string | null>;
    /** What follows the question mark. */
    headers: Record<string, string>;
  }

  /** A `tel:` URI. */
  interface TelUri {
    /** The scheme. */
    scheme: 'tel';
    /** The scheme, by the name it had up to drachtio 4.1. */
    schema: 'tel';
    /** The number as written. */
    number: string;
    /** The `phone-context`. */
    context: string | null;
    /** The parameters; null for one without a value. */
    params: Record<string, string | null>;
  }

  /** What `getParsedHeader` makes of a header, by the name of the header. */
  interface ParsedHeaders {
    via: Via[];
    v: Via[];
    from: NameAddr;
    f: NameAddr;
    to: NameAddr;
    t: NameAddr;
    contact: ContactList;
    m: ContactList;
    route: RouteEntry[];
    'record-route': RouteEntry[];
    path: RouteEntry[];
    cseq: CSeq;
    'content-length': number;
    l: number;
    'refer-to': NameAddr;
    r: NameAddr;
    'referred-by': NameAddr;
    b: NameAddr;
    'p-asserted-identity': NameAddr;
    'remote-party-id': NameAddr;
    'www-authenticate': AuthHeader[];
    'proxy-authenticate': AuthHeader[];
    authorization: AuthHeader[];
    'proxy-authorization': AuthHeader[];
    'authentication-info': Record<string, string | undefined>;
  }

  /** What `getParsedHeader` returns for the header of this name, in any case; undefined when the message has none. */
  type ParsedHeader<Name extends string> = string extends Name
    ? unknown
    : Lowercase<Name> extends keyof ParsedHeaders
      ? ParsedHeaders[Lowercase<Name>] | undefined
      : string | undefined;

  /** The parts that a message can be made of. */
  interface MessageInit {
    /** The method of a request. */
    method?: string;
    /** The request-URI. */
    uri?: string;
    /** The status of a response. */
    status?: number;
    /** The reason of a response. */
    reason?: string;
    /** As in `2.0`. */
    version?: string;
    /** The headers. */
    headers?: HeadersInit;
    /** The body. */
    body?: string;
  }

  /** What requests, responses and messages answer of their headers and body. */
  interface MessageAccess {
    /** The headers, which may be changed. */
    get headers(): Headers;
    set headers(headers: HeadersInit);
    /** The body; `''` when there is none. */
    body: string;
    /** The parts of the body: one, or those of a multipart body. */
    readonly payload: Payload[];
    /** What kind of message it is; undefined for an empty one. */
    readonly type: 'request' | 'response' | undefined;
    /** The text as it was received or sent; undefined for a message that was made here. */
    readonly raw: string | undefined;

    /** The value of a header, whatever case or compact form it is named by. */
    get(name: string): string | undefined;
    /** How the name of a header is written in `headers`; undefined when there is no such header. */
    getHeaderName(name: string): string | undefined;
    /** Whether there is such a header. */
    has(name: string): boolean;
    /** What a header says, in a shape that depends on the header. */
    getParsedHeader<Name extends string>(name: Name): ParsedHeader<Name>;
    /**
     * Sets a header. A further value of a header that is there is appended, unless a message has only one of it:
     * then the value is replaced.
     *
     * @throws a `TypeError` with code `DRT_ERR_INVALID_HEADER` for what is no name, or a line break in the value
     */
    set(name: string, value: HeaderValue): this;
    /** Sets each header of a table. */
    set(headers: HeadersInit): this;
  }

  /** A SIP message. */
  class SipMessage {
    /**
     * @param source the text of a message, another message, or parts
     * @throws an error with code `DRT_ERR_INVALID_MESSAGE` for a text without a start line
     */
    constructor(source?: string | SipMessage | MessageInit);

    /** The method of a request. */
    method: string | undefined;
    /** The request-URI. */
    uri: string | undefined;
    /** The status of a response. */
    status: number | undefined;
    /** The reason of a response. */
    reason: string | undefined;
    /** As in `2.0`. */
    version: string | undefined;
    /** The user part of the request-URI, or a telephone number; `''` if there is none. */
    readonly calledNumber: string;
    /** The number in P-Asserted-Identity, or else in From; `''` if there is none. */
    readonly callingNumber: string;
    /** The display name in P-Asserted-Identity, or else in From, without quotes; `''` if there is none. */
    readonly callingName: string;
    /** True for an INVITE or SUBSCRIBE outside every dialog. */
    readonly canFormDialog: boolean;

    /** The text of the message, with a Content-Length that is right. */
    toString(): string;
    /** What `JSON.stringify` writes. */
    toJSON(): object;
  }
  interface SipMessage extends MessageAccess {}

  // ---------------------------------------------------------------- requests and responses

  /** How a message travelled, and what it belongs to. */
  interface Meta {
    /** `network` for what was received, `application` for what was sent from here. */
    source: 'network' | 'application' | undefined;
    /** The address of the other end. */
    source_address: string | undefined;
    /** The port of the other end. */
    source_port: number | undefined;
    /** `udp`, `tcp` and so on. */
    protocol: string | undefined;
    /** `HH:MM:SS.uuuuuu`, UTC. */
    time: string | undefined;
    /** Names the request, or the request that a response is for. */
    transactionId: string | undefined;
    /** Names the dialog; `''` outside a dialog. */
    dialogId: string | undefined;
  }

  /** A `Meta` as it can be given: the address and the port by either of their names. */
  interface MetaInit extends Partial<Omit<Meta, 'source_port'>> {
    /** The same as `source_address`. */
    address?: string;
    /** The port of the other end. */
    source_port?: number | string;
    /** The same as `source_port`. */
    port?: number | string;
  }

  /** What requests and responses have in common. */
  interface Carrier extends MessageAccess {
    /** The message. */
    msg: SipMessage;
    /** The agent that it came by or goes by. */
    agent: Agent | undefined;
    /** Names the request, or the request that a response is for. */
    stackTxnId: string | undefined;
    /** Names the dialog; `''` outside a dialog. */
    readonly stackDialogId: string | undefined;
    /** When it was received or sent: `HH:MM:SS.uuuuuu`, UTC. */
    readonly stackTime: string | undefined;
    /** `network` for what was received, `application` for what was sent from here. */
    readonly source: 'network' | 'application' | undefined;
    /** The address of the other end. */
    readonly source_address: string | undefined;
    /** The port of the other end. */
    readonly source_port: number | undefined;
    /** `udp`, `tcp` and so on. */
    readonly protocol: string | undefined;
    /** Where it was received: `address:port` of a listener of ours. */
    readonly receivedOn: string | undefined;
    /** The drachtio-server it came from; undefined for the engine of this process. */
    readonly server: { address: string | undefined; hostport: string } | undefined;
    /** The socket that leads to that server, as the option `_socket` of `request` takes it. */
    readonly socket: import('node:net').Socket | undefined;
    /** How it travelled, as one object. */
    get meta(): Meta;
    set meta(meta: MetaInit);

    /** The message and how it travelled; nothing of the agent, no credentials of the application. */
    toJSON(): object;
  }

  /** Credentials, or a function that finds them for a challenge. */
  type Auth =
    | {
        /** The user. */
        username: string;
        /** The password. */
        password: string;
        /** The only realm that the credentials are for. Without it they are for whoever asks on the way of the request. */
        realm?: string;
      }
    | ((req: Request, res: Response, callback: (err: unknown, username?: string, password?: string) => void) => void);

  /** What `request` sends. What is not known is left alone. */
  interface RequestOptions {
    /** The request-URI. Not needed inside a dialog. */
    uri?: string;
    /** The method, in any case. */
    method: SipMethod | Lowercase<SipMethod> | (string & {});
    /** The headers, in this order and spelling. What is missing is filled in. */
    headers?: HeadersInit;
    /** The body: text, or bytes of UTF-8. */
    body?: string | Uint8Array;
    /**
     * Answers challenges (401, 407): Digest with MD5, SHA-256 or SHA-512-256. Nonces that were accepted are used
     * again for requests to the same place, unless this is a function.
     */
    auth?: Auth;
    /** A SIP URI to send the request to, instead of the request-URI. */
    proxy?: string;
    /** The dialog to send the request in. */
    stackDialogId?: string;
    /**
     * With which of the places that accept an INVITE there is a call: the first one, and the engine hangs up on the
     * others; or all of them, and `response` tells of each 2xx, in a dialog of its own.
     *
     * @defaultValue `'first'`
     */
    forks?: 'first' | 'all';
    /** The INVITE that a CANCEL is for. */
    stackTxnId?: string;
    /** Of several connections to drachtio-servers, the one to send the request by: `req.socket` of another one. */
    _socket?: object;
    /**
     * When it is aborted: before the request has been sent, it is not; an INVITE without a final response is cancelled;
     * for any other request the loop of `responses` is left, since there is nothing else to be done (RFC 3261 §9.1).
     */
    signal?: AbortSignal;
    [other: string]: unknown;
  }

  /** Told how the sending of a request went: the error, or the request as it was sent. */
  type RequestCallback = {
    bivariance(err: Error | null, req: Request): void;
  }['bivariance'];

  /** Acknowledges a response: the ACK for a final one to an INVITE, the PRACK for a reliable provisional one; else nothing. */
  interface Acknowledge {
    (callback: SendCallback): void;
    (options: SendOptions | undefined, callback: SendCallback): void;
    /** The promise has the message as it was sent, or undefined when there was nothing to acknowledge. */
    (options?: SendOptions): Promise<SipMessage | undefined>;
  }

  /** The events of a request. */
  interface RequestEvents {
    /** A response to this request, which was sent from here. */
    response: [res: Response, ack: Acknowledge];
    /** This INVITE, which was received, has been cancelled: it needs no answer. */
    cancel: [cancel: SipMessage];
    /**
     * An UPDATE has come before this INVITE, received or sent, was answered (RFC 3311). It is answered with `res`.
     * Without a listener it goes to the handlers for UPDATE.
     */
    update: [req: Request, res: Response];
    /**
     * This request, which was received, has been answered by the engine in place of the application: with
     * `err.status`, and for the reason that `err.code` names (`DRT_ERR_NOT_ANSWERED`, `DRT_ERR_BAD_EXTENSION`,
     * `DRT_ERR_UNSUPPORTED_MEDIA_TYPE`).
     */
    refused: [err: DrachtioError & { status: number }];
    /** This request is being proxied, and the turn of a destination has come. */
    branch: [branch: ProxyBranch];
    /** This request is being proxied, and a destination has given a provisional response. */
    provisional: [response: ProxyResponse, branch: ProxyBranch];
    /** This request is being proxied, and a branch has ended, with a final response or without one: see `branch.reason`. */
    final: [branch: ProxyBranch];
    /** This request has been challenged, and has been sent again with credentials. */
    authenticate: [retry: Request];
    /** This request, which was sent from here, gets no final response, because its engine has ended or failed. */
    lost: [err: Error];
  }

  /** A time: `'2s'`, `'1500ms'`, or a number of milliseconds up to 24 hours. */
  type Duration = string | number;

  /** One destination of a proxied request, with what is said of it alone. */
  interface ProxyTarget {
    /** Where to: a `sip:`, `sips:` or `tel:` URI; `sip:` is put before anything else. */
    uri: string;
    /**
     * Its preference, from 0 to 1. The destinations with the highest are tried first, those with the same at once.
     *
     * @defaultValue 1, if another destination has one
     */
    q?: number;
    /** Headers to add to what is sent to it, after those for all. */
    headers?: HeadersInit;
    /** How long it may take to its first response, in place of the option for all. */
    provisionalTimeout?: Duration;
    /** How long it may take to its final response, in place of the option for all. */
    finalTimeout?: Duration;
    /** The transport to send by, whatever the URI says. */
    transport?: 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';
    /** The URI of the next hop, or the hops as a Path names them; what is sent is still for `uri`. */
    via?: string | readonly string[];
  }

  /** A destination of a proxied request. */
  type ProxyDestination = string | ProxyTarget;

  /** How a request is proxied. See `docs/proxy.md`. */
  interface ProxyOptions {
    /**
     * Where to: URIs in the order of preference, 64 at most. Arrays in the array are groups: one is tried after the
     * other, what is in it at once.
     *
     * @defaultValue the request-URI
     */
    destination?: ProxyDestination | readonly (ProxyDestination | readonly ProxyDestination[])[];
    /** Stay on the path of the dialog (Record-Route; Path for a REGISTER). */
    remainInDialog?: boolean;
    /** The same as `remainInDialog`. */
    recordRoute?: boolean;
    /** The same as `remainInDialog`. */
    path?: boolean;
    /** Try the contacts of a 3xx: up to five redirections in a row, or this number, 255 at most. */
    followRedirects?: boolean | number;
    /**
     * Whether all destinations are tried at once, or one after the other. Not for groups, which say so themselves.
     *
     * @defaultValue `'serial'`; destinations with the same `q` at once
     */
    forking?: 'simultaneous' | 'parallel' | 'serial' | 'sequential';
    /** How long a destination may take to its first response; then the search goes on without it. */
    provisionalTimeout?: Duration;
    /** How long a destination may take to its final response; then it is cancelled, and the search goes on. */
    finalTimeout?: Duration;
    /**
     * Whether the responses of the destinations are wanted. If not, the results have none, and are there as soon as
     * the request has been sent on.
     *
     * @defaultValue true
     */
    wantsFullResponse?: boolean;
    /** Headers to add to what is sent on. Those that the proxy works by (Via, From, CSeq and so on) are left out. */
    headers?: HeadersInit;
    /**
     * Stops the search: what rings is cancelled, and the caller gets the best response that there is, or 480. The
     * results come as always. If it is aborted before, nothing is proxied, and the error is its reason.
     */
    signal?: AbortSignal;
    /**
     * Headers that take the place of all of their name in what is sent on; one without a value is taken off. From and
     * To keep their tags. Via, Route, Record-Route, Max-Forwards, Call-ID, CSeq, RSeq, RAck, Content-Type and
     * Content-Length cannot be changed: an error with code `DRT_ERR_PROTECTED_HEADER`.
     */
    setHeaders?: HeadersInit;
    /** Names of headers that are taken off. */
    removeHeaders?: string | readonly string[];
    /**
     * True: the request-URI stays as the caller wrote it. False: it becomes the destination. By default it becomes the
     * destination if it named this host, and else stays.
     */
    preserveRequestUri?: boolean;
    /**
     * Go along the Route headers that the request has come with, those that name this host taken off.
     *
     * @defaultValue false: they are taken off, and the destination says where the request goes
     */
    followRoutes?: boolean;
    /**
     * Whether the engine keeps the state of the request: repeats it, goes on to other destinations, tells how it ends.
     * Without it the request goes to one destination, and the results come at once and say nothing. An INVITE needs
     * `engine.stateless`.
     *
     * @defaultValue true
     */
    stateful?: boolean;
  }

  /** A response of a destination. */
  interface ProxyResponse {
    /** When it came: `HH:MM:SS.uuuuuu`, UTC. */
    time: string;
    /** Its status. */
    status: number;
    /** The response. */
    msg: SipMessage;
  }

  /**
   * Why a branch has ended: `answered` by a 2xx; `failed` with another final response; `redirected` to Contacts that are
   * tried; `timeout` because nothing came in the time of the transaction; `provisional-timeout`, `final-timeout`, and
   * `ringing-timeout` (timer C); `cancelled` because another branch, the caller or the application has ended the search;
   * `unreachable` when it could not be sent; `unresolved` when its name leads nowhere; `max-breadth` when it may not be
   * forked further (RFC 5393).
   */
  type ProxyBranchEnd =
    | 'answered'
    | 'failed'
    | 'redirected'
    | 'timeout'
    | 'provisional-timeout'
    | 'final-timeout'
    | 'ringing-timeout'
    | 'cancelled'
    | 'unreachable'
    | 'unresolved'
    | 'max-breadth';

  /** What has become of one destination of a proxied request. */
  interface ProxyBranch {
    /** Its URI. */
    target: string;
    /** When its turn came: `HH:MM:SS.uuuuuu`, UTC. */
    startTime: string;
    /** When it ended; undefined until then. */
    endTime: string | undefined;
    /** From the one to the other, in milliseconds. */
    duration: number | undefined;
    /** Its responses, provisional and final, in the order in which they came. */
    responses: ProxyResponse[];
    /** Why it has ended; undefined until then. */
    reason: ProxyBranchEnd | undefined;
    /** The status that it counts as in the choice of the best response; undefined for one that was cancelled, say. */
    status: number | undefined;
  }

  /** How a proxied request ended. */
  interface ProxyResults {
    /** Whether a destination accepted, with any 2xx. */
    connected: boolean;
    /** The status that the caller got: of the best response; missing when none came. */
    finalStatus?: number;
    /** The best response. */
    finalResponse?: ProxyResponse;
    /** The final responses, by where they came from. */
    responses: {
      /** Where they came from. */
      address: string;
      /** Where they came from. */
      port: number;
      /** In the order in which they came. */
      msgs: ProxyResponse[];
    }[];
    /** The destinations that were tried, those found by redirection among them, in the order in which their turn came. */
    branches: ProxyBranch[];
  }

  /** Told how proxying went: the error, or the results. */
  type ProxyCallback = {
    bivariance(err: Error | null, results: ProxyResults): void;
  }['bivariance'];

  /** A request that was received, or one that was sent from here. */
  class Request extends Emitter<RequestEvents> {
    /** A request by hand, for tests; those of the engine make themselves. */
    constructor(msg?: SipMessage, meta?: MetaInit);

    /** The method. */
    method: string;
    /** The request-URI. */
    uri: string;
    /** The request-URI, by the name that express gives it. */
    url: string;
    /** The response to this request, if it was received. */
    res: Response | undefined;
    /** The application, or the mounted one, that has the request in hand. */
    app: App | undefined;
    /** Who sent it, once `digestAuth` has let it through. */
    authorization?: DigestAuthorization;
    /**
     * The way back to who sent this request, as a URI for the option `proxy` of a request: over the same connection,
     * and if that has ended the request fails at once. Undefined for a request that was sent from here.
     */
    readonly flow: string | undefined;
    /** Whether this is an INVITE outside every dialog. */
    readonly isNewInvite: boolean;
    /** True for an INVITE or SUBSCRIBE outside every dialog. */
    readonly canFormDialog: boolean;
    /**
     * Whether this is a request inside a dialog of others, on its way along a route that was recorded here: what
     * `app.onInDialog` is asked about.
     */
    readonly passing: boolean;
    /** Whether the engine has been asked to proxy the request: it is not to be answered here. */
    readonly proxied: boolean;
    /** The user part of the request-URI, or a telephone number; `''` if there is none. */
    readonly calledNumber: string;
    /** The number in P-Asserted-Identity, or else in From; `''` if there is none. */
    readonly callingNumber: string;
    /** The display name in P-Asserted-Identity, or else in From, without quotes; `''` if there is none. */
    readonly callingName: string;

    /**
     * The `stackDialogId` of the call that this INVITE is to replace (RFC 3891), if the engine has that call: answer the
     * INVITE and end the call, or refuse. See `docs/dialogs.md`.
     */
    readonly replaces: string | undefined;

    /**
     * Cancels an INVITE that was sent from here. The callback gets the CANCEL as it was sent.
     *
     * @throws an error with code `DRT_ERR_WRONG_SIDE` if the request was received
     */
    cancel(callback: RequestCallback): void;
    cancel(options: { headers?: HeadersInit } | undefined, callback: RequestCallback): void;
    /** The promise has the CANCEL as it was sent. */
    cancel(options?: { headers?: HeadersInit }): Promise<Request>;

    /**
     * The responses to this request, which was sent from here, one after the other: `for await (const res of
     * req.responses())`. The loop ends after the final response. If `forks` is `'all'` and a fork has accepted, it ends
     * when no other one can any more: 32 s later (64 × T1), or when the engine ends. It fails when the
     * engine ends before, and with the reason of the signal when that is aborted.
     *
     * @param options.signal in place of the one that `request` was given
     * @throws an error with code `DRT_ERR_WRONG_SIDE` if the request was received
     */
    responses(options?: { signal?: AbortSignal }): AsyncIterableIterator<Response>;

    /**
     * Proxies a request that was received. While the search goes on the request emits `branch`, `provisional` and
     * `final`. See `docs/proxy.md`.
     *
     * @throws an error with code `DRT_ERR_WRONG_SIDE` if the request was sent from here, and a `TypeError` with
     * code `DRT_ERR_INVALID_OPTION` that names the option
     */
    proxy(options: ProxyOptions | undefined, callback: ProxyCallback): this;
    proxy(options?: ProxyOptions): Promise<ProxyResults>;

    /** Makes somebody the user of this request, as passport wants it. */
    logIn(user: unknown, done: (err?: unknown) => void): void;
    logIn(user: unknown, options: { session?: boolean }, done?: (err?: unknown) => void): void;
    /** Takes the user off this request. */
    logOut(): void;
    /** Whether the request has a user. */
    isAuthenticated(): boolean;
    /** Whether the request has no user. */
    isUnauthenticated(): boolean;
  }
  interface Request extends Carrier, RequestExtras {}

  /** What `send` takes: headers and body of this message alone. */
  interface SendOptions {
    /** Stand for headers of the same name that were set with `set`. */
    headers?: HeadersInit;
    /** Text, or bytes of UTF-8. */
    body?: string | Uint8Array;
  }

  /** Told how sending went: the error, or the message as it was sent. */
  type SendCallback = {
    bivariance(err: Error | null, msg: SipMessage): void;
  }['bivariance'];

  /** Called with the ACK for a 2xx to an INVITE, or with the PRACK for a reliable provisional response. */
  type AckCallback = (req: Request) => void;

  /** The events of a response. */
  interface ResponseEvents {
    /** A final response is being sent. */
    end: [sent: { status: number; reason: string }];
    /** A final response has been given to the engine. */
    finish: [];
  }

  /** The answer to a request: one to be sent, or one that was received. */
  class Response extends Emitter<ResponseEvents> {
    /** A response by hand, for tests. */
    constructor(agent?: Agent);

    /** The status. */
    status: number;
    /** The status, by the name that express gives it. */
    statusCode: number;
    /** The reason. */
    reason: string;
    /** The request that this answers. */
    req: Request;
    /** Whether a final response has been sent. */
    readonly finalResponseSent: boolean;
    /** The same as `finalResponseSent`. */
    readonly finished: boolean;
    /** The same as `finalResponseSent`. */
    readonly headersSent: boolean;

    /**
     * Sends a response: a status from 100 to 699, then what is wanted of a reason, options, a callback, and a function
     * for the ACK or PRACK. A status without a usual reason, as 299, needs one.
     *
     * @throws an error with code `DRT_ERR_INVALID_STATUS`, or a `TypeError` with code `DRT_ERR_INVALID_HEADER` or
     * `DRT_ERR_INVALID_BODY`
     */
    send(status: number, callback: SendCallback, onAck?: AckCallback): void;
    send(status: number, reason: string | null | undefined, callback: SendCallback, onAck?: AckCallback): void;
    send(status: number, options: SendOptions, callback: SendCallback, onAck?: AckCallback): void;
    send(
      status: number,
      reason: string | null | undefined,
      options: SendOptions | null | undefined,
      callback: SendCallback,
      onAck?: AckCallback,
    ): void;
    /**
     * Without a callback: the promise has the message as it was sent. It is to be awaited in the turn of the event loop
     * in which it was made, since a response of which nobody wants to hear costs less: later it may be rejected with
     * `DRT_ERR_AWAITED_TOO_LATE`. Who does not await it needs no `catch`.
     */
    send(status: number, options: SendOptions, callback?: undefined, onAck?: AckCallback): Promise<SipMessage>;
    send(
      status: number,
      reason?: string | null,
      options?: SendOptions | null,
      callback?: undefined,
      onAck?: AckCallback,
    ): Promise<SipMessage>;

    /**
     * Acknowledges this response, which was received, as the function does that comes with the `response` event.
     */
    readonly ack: Acknowledge;
    /** Sends the ACK for this response, which was received. */
    sendAck(dialogId: string | undefined, options: SendOptions | undefined, callback: SendCallback): void;
    sendAck(dialogId: string | undefined, options?: SendOptions): Promise<SipMessage>;
    /** Sends the PRACK for this response, which was received. */
    sendPrack(dialogId: string | undefined, options: SendOptions | undefined, callback: SendCallback): void;
    sendPrack(dialogId: string | undefined, options?: SendOptions): Promise<SipMessage>;

    /** The same as `get`. */
    getHeader(name: string): string | undefined;
    /** The same as `set`. */
    setHeader(name: string, value: HeaderValue): this;
    /** Does nothing. */
    removeHeader(name?: string): void;
    /** Sends the response whose `statusCode` has been set. */
    end(callback?: () => void): void;
    end(reason: string, callback?: () => void): void;
    end(reason: string, encoding: string, callback?: () => void): void;
  }
  interface Response extends Carrier {}

  // ---------------------------------------------------------------- functions

  /** An error with a stable code. `String(err)` is the message alone. */
  class DrachtioError extends Error {
    /** @param code a `DRT_ERR_` name */
    constructor(message: string, code: string, options?: { cause?: unknown });
    /** A `DRT_ERR_` name, or the operating system's, such as `EADDRINUSE`. */
    readonly code: string;
  }

  /**
   * What a handler throws, or gives to `next`, to have a request answered with a status: `throw new SipError(486)`. A handler
   * of errors may take it; without one it is not written to the console, as a failure is.
   */
  class SipError extends DrachtioError {
    /** @param reason the usual one without it */
    constructor(status: number, reason?: string);
    /** The status to answer with. */
    readonly status: number;
    /** The reason to answer with. */
    readonly reason: string | undefined;
  }

  /**
   * Calls a listener once, before the first response is sent, with the response as `this`.
   *
   * @throws a `TypeError` when either argument is missing
   */
  function onSend(res: Response, listener: (this: Response, status: number, reason: string, options: SendOptions) => void): void;

  /** A digest algorithm. */
  type DigestAlgorithm = 'MD5' | 'MD5-sess' | 'SHA-256' | 'SHA-256-sess' | 'SHA-512-256' | 'SHA-512-256-sess';

  /**
   * A password; or the hash of `username:realm:password` in hexadecimal, by algorithm; or nothing for a user that does
   * not exist.
   */
  type DigestPassword = string | { ha1: Partial<Record<DigestAlgorithm, string>> } | null | undefined;

  /** What `digestAuth` needs to know. */
  interface DigestAuthOptions {
    /** Which passwords are asked for; as a rule the name of the domain. */
    realm: string | ((req: Request) => string);
    /** The passwords by user, or a function that finds one. */
    passwords:
      | Record<string, DigestPassword>
      | ReadonlyMap<string, DigestPassword>
      | ((username: string, realm: string, req: Request) => DigestPassword | Promise<DigestPassword>);
    /**
     * The algorithms that are offered, in the order of preference, each in a challenge of its own. Phones that look at the
     * first challenge only, and know no SHA-256, need `['MD5']`.
     *
     * @defaultValue `['SHA-256', 'MD5']`
     */
    algorithms?: readonly DigestAlgorithm[];
    /**
     * The qualities of protection that are offered. `auth-int` covers the body too.
     *
     * @defaultValue `['auth']`
     */
    qop?: readonly ('auth' | 'auth-int')[];
    /**
     * The methods that need credentials.
     *
     * @defaultValue all but ACK and CANCEL, which cannot be challenged
     */
    methods?: readonly string[];
    /**
     * Whether to ask as a proxy does: 407 and Proxy-Authenticate in place of 401 and WWW-Authenticate.
     *
     * @defaultValue false
     */
    proxy?: boolean;
    /**
     * Whether requests inside a call or subscription that is up need credentials, too.
     *
     * @defaultValue false
     */
    inDialog?: boolean;
    /**
     * Whether the credentials must be for the user and host of the request-URI. If not, it may have been changed on the way;
     * if so, such a request is answered 400.
     *
     * @defaultValue true
     */
    checkUri?: boolean;
    /**
     * How long a nonce may be used, in seconds, up to 86,400. Then the sender is told to take a new one.
     *
     * @defaultValue 300
     */
    nonceLifetime?: number;
    /**
     * What nonces are signed with: 16 characters or more. Processes with the same secret take each other's nonces.
     *
     * @defaultValue a random one
     */
    secret?: string;
  }

  /** Who sent a request, as `digestAuth` has found out. */
  interface DigestAuthorization {
    /** The user. */
    username: string;
    /** The realm of the password. */
    realm: string;
    /** The nonce. */
    nonce: string;
    /** What the credentials are for. */
    uri: string;
    /** The algorithm. */
    algorithm: DigestAlgorithm;
    /** The quality of protection. */
    qop: 'auth' | 'auth-int';
    /** How many requests had credentials with this nonce, as the sender counts them. */
    nc: number;
  }

  /**
   * Middleware that lets requests through when they have the right credentials (Digest: RFC 3261 §22, RFC 7616, RFC 8760),
   * and challenges the others. A request that was let through has `req.authorization`.
   *
   * @throws a `TypeError` with code `DRT_ERR_INVALID_OPTION` that names the option
   */
  function digestAuth(options: DigestAuthOptions): Handler;

  /** Where applications connect to a server, and how they prove that they may. */
  interface AdminOptions {
    /**
     * The address to listen on.
     *
     * @defaultValue `0.0.0.0`; without a `secret` of its own `127.0.0.1`
     */
    host?: string;
    /**
     * The TCP port; 0 for any that is free, false for none.
     *
     * @defaultValue 9022
     */
    port?: number | boolean;
    /**
     * The port for TLS; 0 for any that is free, true for 9023.
     *
     * @defaultValue false: none
     */
    tlsPort?: number | boolean;
    /**
     * What applications must know.
     *
     * @defaultValue `admin`
     */
    secret?: string;
    /**
     * What applications are shown that connect by TLS: PEM, or the names of files with it.
     *
     * @defaultValue the first of `engine.tls.certificates`
     */
    certificate?: { cert: string; key: string };
    /**
     * How long the calls of an application that has gone wait for one that connects with the same tags, in milliseconds.
     *
     * @defaultValue 0: they are hung up at once
     */
    adopt?: number;
    /** What the connections of applications may hold, and how long they may wait. */
    limits?: AdminLimits;
    /**
     * How long a connection may be silent before TCP probes it, in milliseconds; 0: for ever.
     *
     * @defaultValue 45000
     */
    keepAliveInterval?: number;
  }

  /** What the connections of applications may hold, and how long they may wait. */
  interface AdminLimits {
    /**
     * Connections in both directions; further ones are closed at once.
     *
     * @defaultValue 10000
     */
    connections?: number;
    /**
     * Of these, connections that have not shown the secret.
     *
     * @defaultValue 64
     */
    unauthenticated?: number;
    /**
     * How long a connection may take to show the secret, in milliseconds.
     *
     * @defaultValue 5000
     */
    authenticationTimeout?: number;
    /**
     * How long the opening of a connection to an application may take, in milliseconds.
     *
     * @defaultValue 2000
     */
    connectTimeout?: number;
    /**
     * How long an application may read nothing although there is something for it, in milliseconds.
     *
     * @defaultValue 15000
     */
    writeTimeout?: number;
    /**
     * Bytes that wait for one application; one that is further behind is dropped.
     *
     * @defaultValue 67108864
     */
    queuedBytes?: number;
    /**
     * Commands of one application that have no answer yet; further ones are not read until then.
     *
     * @defaultValue 20000
     */
    commands?: number;
  }

  /** Who says what becomes of new requests, in the place of the applications that have asked for them. */
  interface RequestHandlerOptions {
    /** `http:` or `https:`, which is asked; `tcp://host:port` or `tls://host:port`, an application that gets them. */
    url: string;
    /**
     * The method of the requests; one for a method comes before one for all.
     *
     * @defaultValue `*`: all
     */
    method?: string;
    /**
     * How a web server is asked; with POST the request is in the body.
     *
     * @defaultValue `GET`
     */
    httpMethod?: 'GET' | 'POST';
    /**
     * Whether a web server or application must prove by TLS that it is the one of the URL.
     *
     * @defaultValue true; false for `tls://`, as with drachtio-server
     */
    verifyPeer?: boolean;
  }

  /** What a server of applications is started with. */
  interface ServeOptions {
    /**
     * Where SIP is listened for, as for `connect`.
     *
     * @defaultValue `sip:*;transport=udp,tcp`
     */
    contact?: ConnectOptions['contact'];
    /** Options of the SIP engine, as for `connect`. */
    engine?: EngineOptions;
    /** Where applications connect. */
    admin?: AdminOptions;
    /** Who says what becomes of which requests. */
    requestHandlers?: readonly RequestHandlerOptions[];
    /** A set of addresses in redis whose requests are dropped. */
    blacklist?: BlacklistOptions;
    /** What is shown of the server at work. See `docs/operations.md`. */
    observe?: ObserveOptions;
    /**
     * Whether the sizes of the tables are logged every 30 seconds, by `npx drachtio serve`.
     *
     * @defaultValue false
     */
    logTables?: boolean;
    /** How long calls may go on when the server is to end, in milliseconds: `deadline`, 30000 by default. */
    drain?: { deadline?: number };
  }

  /** A set of addresses in redis. */
  interface BlacklistOptions {
    /** The name of the set. */
    key: string;
    /** Where redis is; or else `sentinels`. */
    host?: string;
    /**
     * The port of redis.
     *
     * @defaultValue 6379
     */
    port?: number;
    /** `host:port` of the sentinels that know where redis is. */
    sentinels?: readonly string[];
    /** The name by which they know it. */
    master?: string;
    /** The password of redis. */
    password?: string;
    /**
     * How often the set is read, in milliseconds.
     *
     * @defaultValue 300000
     */
    refreshInterval?: number;
  }

  /** A server of applications, as {@link serve} starts it. */
  interface Server extends EventEmitter {
    /** Where SIP is listened for, as in `udp/127.0.0.1:5060`. */
    readonly hostports: readonly string[];
    /** Where applications connect, as in `tcp/127.0.0.1:9022`. */
    readonly adminHostports: readonly string[];
    /** Whether new requests are rejected because the server is about to end. */
    readonly draining: boolean;
    /** The sizes of the engine's tables, and how many `applications` are connected. */
    census(): Record<string, number>;
    /** What has happened since the server started. */
    counters(): Record<string, number>;
    /** The numbers of the server in the text format of Prometheus. See `docs/operations.md`. */
    metrics(): Promise<string>;
    /** Puts a line into the log, if there is one (`observe.log`). */
    log(level: 'notice' | 'error' | 'warning' | 'info' | 'debug', text: string): void;
    /** Takes other settings into use, and reads the files of certificates again. What is left out stays. */
    reload(settings?: {
      secret?: string;
      tls?: TlsOptions;
      certificate?: { cert: string; key: string };
      requestHandlers?: readonly RequestHandlerOptions[];
      screening?: ScreeningOptions;
      blacklist?: BlacklistOptions;
      logLevel?: 'notice' | 'error' | 'warning' | 'info' | 'debug';
    }): Promise<void>;
    /**
     * Rejects new requests with 503 and Retry-After, and closes the server when its calls have ended. They are hung up
     * after `deadline` milliseconds.
     */
    drain(options?: { deadline?: number }): Promise<void>;
    /** Hangs up all calls and closes all sockets. */
    close(): Promise<void>;
    /** `unrouted`: a request was answered 480 or 500 since it could not be brought to an application. */
    on(event: 'unrouted', listener: (err: Error, req: Request) => void): this;
    /** `error`: the engine has failed. */
    on(event: 'error', listener: (err: Error) => void): this;
    /** `close`: all sockets are closed. */
    on(event: 'close', listener: () => void): this;
    on(event: string | symbol, listener: (...args: unknown[]) => void): this;
  }

  /**
   * Starts a drachtio-server in this process: applications connect to it by TCP or TLS, those of this package and
   * drachtio-srf's.
   *
   * @throws an error with a code, as `DRT_ERR_INVALID_OPTION` or `EADDRINUSE`
   */
  function serve(options?: ServeOptions): Promise<Server>;

  /** What {@link workers} starts. */
  interface WorkersOptions {
    /**
     * How many threads.
     *
     * @defaultValue one for each processor
     */
    count?: number;
    /** The options of each thread. */
    worker?: WorkerOptions;
    /** Where the engine listens, as for `connect`. */
    contact?: ConnectOptions['contact'];
    /** How the engine works, as for `connect`. */
    engine?: EngineOptions;
    /** What is shown of the engine at work, as for `connect`. */
    observe?: ObserveOptions;
    /**
     * How long the calls of a thread that has died wait for the one that takes its place, in milliseconds.
     *
     * @defaultValue 30000
     */
    adopt?: number;
  }

  /** The events of {@link Workers}. */
  interface WorkersEvents {
    /** A thread has started. */
    online: [number: number, worker: Worker];
    /** A thread has ended, with this error or exit code. Another one takes its place. */
    died: [number: number, why: unknown];
  }

  /** Threads of applications that share one engine. */
  interface Workers extends Emitter<WorkersEvents> {
    /** How many threads there are to be. */
    readonly count: number;
    /** Where SIP is listened for, as in `udp/127.0.0.1:5060`. */
    readonly hostports: readonly string[];
    /** The options of `connect` for one more application in this process. */
    readonly place: ServerOptions;
    /** The sizes of the engine's tables, and how many `applications` are connected. */
    census(): Record<string, number>;
    /** The numbers of the engine in the text format of Prometheus. See `docs/operations.md`. */
    metrics(): Promise<string>;
    /** Rejects new requests with 503, waits for the calls to end (`deadline` milliseconds at most), and closes everything. */
    drain(options?: { deadline?: number }): Promise<void>;
    /** Hangs up all calls, closes the sockets and ends the threads. */
    close(): Promise<void>;
  }

  /**
   * Starts an engine, and threads whose applications share it: in them `app.connect()` without options means this engine.
   * New requests are spread over the threads; what belongs to a dialog goes to the one that has it. A thread that dies is
   * replaced, and the new one has its calls. See `docs/connecting.md`.
   *
   * @param file the program of each thread
   */
  function workers(file: string | URL, options?: WorkersOptions): Promise<Workers>;

  /** Parses a SIP, SIPS or TEL URI. A URI that is parsed already comes back as it is; anything else is undefined. */
  function parseUri(text: string): SipUri | TelUri | undefined;
  function parseUri<T extends SipUri | TelUri>(uri: T): T;

  /** The text of a URI. */
  function stringifyUri(uri: Partial<SipUri> | Partial<TelUri>): string;
}

export = drachtio;
