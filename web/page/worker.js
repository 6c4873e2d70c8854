// The check itself, off the page's thread. Runs behind emscripten's module (CamvaultVerifier) in one worker; a worker
// serves one clip and is ended with it.
'use strict';

const kStep = 8 * 1024 * 1024; // bytes between two looks at the clock
const kReportEvery = 100; // milliseconds between two words about progress

self.onmessage = async (message) => {
  try {
    await check(message.data);
  } catch (error) {
    // Aborts of the module end here: out of memory, or a fault of ours.
    self.postMessage({kind: 'error', message: 'the verifier stopped: ' + (error && error.message ? error.message : error)});
  }
};

class Refused extends Error {}

async function check({module, file, options}) {
  const reader = new FileReaderSync();
  let verifier = null;
  verifier = await CamvaultVerifier({
    instantiateWasm: (imports, done) => {
      WebAssembly.instantiate(module, imports).then((instance) => done(instance, module), (error) => {
        self.postMessage({kind: 'error', message: 'the verifier does not start: ' + error.message});
      });
      return {};
    },
    readClip: (offset, size, to) => {
      try {
        const piece = reader.readAsArrayBuffer(file.slice(offset, offset + size));
        if (piece.byteLength !== size) return 0;
        verifier.HEAPU8.set(new Uint8Array(piece), to);
        return 1;
      } catch (error) {
        return 0;
      }
    },
    print: () => {},
    printErr: () => {},
  });

  const said = () => verifier.UTF8ToString(verifier._camvault_error());
  const must = (refused, what) => {
    if (refused !== 0) throw new Refused(what ? what + ': ' + said() : said());
  };
  const withBytes = (bytes, use) => {
    const at = verifier._malloc(bytes.length + 1);
    verifier.HEAPU8.set(bytes, at);
    verifier.HEAPU8[at + bytes.length] = 0;
    try {
      return use(at, bytes.length);
    } finally {
      verifier._free(at);
    }
  };
  const withText = (text, use) => withBytes(new TextEncoder().encode(text), use);

  const clip = withText(file.name, (name) => verifier._camvault_new(name, file.size));
  try {
    for (const {name, bytes} of options.anchors) {
      withBytes(bytes, (at, size) => must(verifier._camvault_add_anchors(clip, at, size), name));
    }
    for (const {name, bytes} of options.crls) {
      withBytes(bytes, (at, size) => must(verifier._camvault_add_revocations(clip, at, size), name));
    }
    for (const {name, bytes} of options.signer) {
      withBytes(bytes, (at, size) => must(verifier._camvault_set_signer(clip, at, size), name));
    }
    if (options.serial) withText(options.serial, (at) => verifier._camvault_set_serial(clip, at));
    if (options.at) withText(options.at, (at) => must(verifier._camvault_set_time(clip, at), 'the time to judge at'));
    if (options.codec) withText(options.codec, (at) => must(verifier._camvault_set_codec(clip, at), 'codec'));
    if (options.format) withText(options.format, (at) => must(verifier._camvault_set_format(clip, at), 'format'));

    const begin = performance.now();
    must(verifier._camvault_open(clip));
    await run(verifier, 'checking', file.size, () => verifier._camvault_step(clip, kStep),
        () => verifier._camvault_position(clip), said);
    const seconds = (performance.now() - begin) / 1000;

    const text = (pointer) => verifier.UTF8ToString(pointer);
    const pictures = verifier._camvault_pictures(clip);
    const times = new Float64Array(verifier.HEAPU8.buffer, verifier._camvault_picture_times(clip), pictures).slice();
    const statuses = new Uint8Array(verifier.HEAPU8.buffer, verifier._camvault_picture_statuses(clip), pictures).slice();
    self.postMessage({kind: 'report', seconds, times, statuses, json: text(verifier._camvault_json(clip)),
                      view: text(verifier._camvault_view(clip))}, [times.buffer, statuses.buffer]);

    let hashed = 0;
    const hashBegin = performance.now();
    await run(verifier, 'hashing', file.size, () => {
      hashed += kStep;
      return verifier._camvault_hash_step(clip, kStep);
    }, () => hashed, said);
    self.postMessage({kind: 'hashed', seconds: (performance.now() - hashBegin) / 1000,
                      json: text(verifier._camvault_json(clip)), html: text(verifier._camvault_html(clip))});
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    self.postMessage({kind: 'error', message: error.message});
  }
}

// A turn of the event loop, in which the browser collects the pieces of the file that were read.
const channel = new MessageChannel();
const breathe = () => new Promise((resolve) => {
  channel.port1.onmessage = resolve;
  channel.port2.postMessage(null);
});

async function run(verifier, what, size, step, position, said) {
  let told = performance.now();
  for (;;) {
    const more = step();
    if (more < 0) throw new Refused(said());
    if (more === 0) return;
    await breathe();
    const now = performance.now();
    if (now - told > kReportEvery) {
      told = now;
      self.postMessage({kind: 'progress', what, done: Math.min(position(), size), total: size});
    }
  }
}
