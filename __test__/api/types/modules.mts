// The package as an ES module sees it.

import drachtio, { DrachtioError, SipError, SipMessage, parseUri } from '../../../index.js';
import type { App, Request } from '../../../index.js';

const app: App = drachtio();
app.invite((req: Request, res) => res.send(486));
const message: drachtio.SipMessage = new drachtio.SipMessage();
console.log(message.type, new SipMessage().type, parseUri('sip:a@b')?.scheme, new SipError(486) instanceof DrachtioError);
