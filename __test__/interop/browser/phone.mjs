// A telephone in a browser, made of SIP.js. The test drives it by `phones`, and reads what it has noted.

import { Inviter, Registerer, SessionState, UserAgent } from '/sip.js/lib/index.js';

/** How long after a lost connection it connects again, in ms. */
const BREATH = 100;

class Phone {
  /** Everything that has happened, in order. */
  events = [];
  #agent;
  #registerer;
  #session;

  /** @param {{ user: string, password: string, domain: string, server: string, answers: boolean }} options */
  constructor({ user, password, domain, server, answers }) {
    this.#agent = new UserAgent({
      uri: UserAgent.makeURI(`sip:${user}@${domain}`),
      authorizationUsername: user,
      authorizationPassword: password,
      transportOptions: { server },
      sessionDescriptionHandlerFactoryOptions: { peerConnectionConfiguration: { iceServers: [] }, iceGatheringTimeout: 500 },
      gracefulShutdown: false,
      logLevel: 'warn',
      delegate: {
        onConnect: () => this.#note('connected'),
        onDisconnect: (err) => err && this.#reconnect(),
        onMessage: (message) => {
          this.#note(`message ${message.request.body}`);
          message.accept();
        },
        onInvite: (invitation) => {
          this.#note('incoming');
          this.#take(invitation);
          if (answers) invitation.accept(audio).catch((err) => this.#note(`not accepted: ${err.message}`));
        },
      },
    });
    this.#registerer = new Registerer(this.#agent, { expires: 300 });
    this.#registerer.stateChange.addListener((state) => this.#note(state.toLowerCase()));
  }

  async start() {
    await this.#agent.start();
    await this.register();
  }

  /** Resolves to the status of the answer to its REGISTER. */
  register() {
    return this.#statusOf((requestDelegate) => this.#registerer.register({ requestDelegate }));
  }

  unregister() {
    return this.#statusOf((requestDelegate) => this.#registerer.unregister({ requestDelegate }));
  }

  /** Calls somebody. What comes of it is noted. */
  async call(uri) {
    const inviter = new Inviter(this.#agent, UserAgent.makeURI(uri), audio);
    this.#take(inviter);
    await inviter.invite({
      requestDelegate: {
        onProgress: ({ message }) => this.#note(`progress ${message.statusCode}`),
        onReject: ({ message }) => this.#note(`rejected ${message.statusCode}`),
      },
    });
  }

  /** Ends the call, whatever has become of it. */
  hangUp() {
    const session = this.#session;
    if (session.state === SessionState.Established) return session.bye().then(() => {});
    return session instanceof Inviter ? session.cancel() : session.reject();
  }

  /** Sends a re-INVITE, and resolves to the status of its answer. */
  reinvite() {
    return this.#statusOf((requestDelegate) => this.#session.invite({ requestDelegate }));
  }

  /** How many packets of sound have come. */
  async heard() {
    const stats = await this.#session.sessionDescriptionHandler.peerConnection.getStats();
    return [...stats.values()].find(({ type }) => type === 'inbound-rtp')?.packetsReceived ?? 0;
  }

  #take(session) {
    this.#session = session;
    session.stateChange.addListener((state) => this.#note(state.toLowerCase()));
  }

  async #reconnect() {
    this.#note('disconnected');
    await new Promise((resolve) => setTimeout(resolve, BREATH));
    await this.#agent.reconnect();
    this.#note(`registered again ${await this.register()}`);
  }

  #statusOf(send) {
    return new Promise((resolve, reject) => {
      const status = ({ message }) => resolve(message.statusCode);
      send({ onAccept: status, onReject: status }).catch(reject);
    });
  }

  #note(event) {
    this.events.push(event);
  }
}

const audio = { sessionDescriptionHandlerOptions: { constraints: { audio: true, video: false } } };

/** The telephones of this page, by the name of their user. */
const phones = {};

globalThis.startPhone = (options) => (phones[options.user] = new Phone(options)).start();
globalThis.phones = phones;
