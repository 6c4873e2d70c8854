// Pictures of a raw stream (ITU-T H.264 annex B, H.265 annex B), which no <video> plays: cut into pictures here, decoded by
// the browser (WebCodecs), drawn on a canvas. Only for looking at: what is authentic is not decided here.
'use strict';
const RawPlayer = (() => {
  const MAX_BYTES = 512 * 1024 * 1024; // the stream is held in memory
  const MAX_AHEAD = 16; // pictures in the decoder

  // [{begin, end, key}] in decoding order, one a picture; `begin` takes parameter sets and SEIs before it along.
  function pictures(bytes, codec) {
    const found = [];
    let config = null;
    let open = 0;        // where the next picture's bytes begin
    let in_slices = false;
    const starts = [];
    for (let at = bytes.indexOf(1, 2); at >= 0; at = bytes.indexOf(1, at + 1)) {
      if (bytes[at - 1] === 0 && bytes[at - 2] === 0) starts.push(at + 1);
    }
    for (const at of starts) {
      const begin = at - 3;
      const type = codec === 'h264' ? bytes[at] & 31 : (bytes[at] >> 1) & 63;
      const slice = codec === 'h264' ? type >= 1 && type <= 5 : type <= 31;
      if (codec === 'h264' && type === 7 && !config) {
        config = 'avc1.' + [1, 2, 3].map((i) => bytes[at + i].toString(16).padStart(2, '0')).join('');
      }
      if (!slice) {
        if (in_slices) {
          in_slices = false;
          open = begin;
          if (found.length) found[found.length - 1].end = begin;
        }
        continue;
      }
      const first = (bytes[at + (codec === 'h264' ? 1 : 2)] & 0x80) !== 0;
      if (first || found.length === 0) {
        if (in_slices) {
          open = begin;
          found[found.length - 1].end = begin;
        }
        found.push({begin: open, end: bytes.length, key: codec === 'h264' ? type === 5 : type >= 16 && type <= 21});
      }
      in_slices = true;
    }
    return {found, config: codec === 'h264' ? config : 'hev1.1.6.L153.B0'};
  }

  async function open(file, codec, canvas) {
    if (!('VideoDecoder' in window) || file.size > MAX_BYTES) return null;
    const bytes = new Uint8Array(await file.arrayBuffer());
    const {found, config} = pictures(bytes, codec);
    if (!config || found.length === 0) return null;
    const support = await VideoDecoder.isConfigSupported({codec: config}).catch(() => ({supported: false}));
    if (!support.supported) return null;

    let decoder = null;
    let next = 0;         // picture to be given to the decoder
    let wanted = -1;
    let arrived = null;   // called with the wanted frame
    let broken = false;
    const draw = (frame) => {
      if (canvas.width !== frame.displayWidth || canvas.height !== frame.displayHeight) {
        canvas.width = frame.displayWidth;
        canvas.height = frame.displayHeight;
      }
      canvas.getContext('2d').drawImage(frame, 0, 0);
    };
    const start = (from) => {
      if (decoder && decoder.state !== 'closed') decoder.close();
      decoder = new VideoDecoder({
        output: (frame) => {
          if (frame.timestamp === wanted) {
            draw(frame);
            if (arrived) arrived(true);
          }
          frame.close();
        },
        error: () => {
          broken = true;
          if (arrived) arrived(false);
        },
      });
      decoder.configure({codec: config, optimizeForLatency: true});
      next = from;
    };
    const feed = (until) => {
      while (next <= until && next < found.length) {
        const {begin, end, key} = found[next];
        decoder.decode(new EncodedVideoChunk({type: key ? 'key' : 'delta', timestamp: next, data: bytes.subarray(begin, end)}));
        ++next;
      }
    };

    // Draws picture `index`; false if the browser could not decode it.
    async function show(index) {
      if (broken) start(0);
      broken = false;
      let key = index;
      while (key > 0 && !found[key].key) --key;
      if (!found[key].key) return false; // a stream that begins in the middle of a group
      if (!decoder || decoder.state !== 'configured' || index < next || key > next) start(key);
      wanted = index;
      const done = new Promise((resolve) => { arrived = resolve; });
      try {
        feed(Math.min(index, next + MAX_AHEAD));
        while (next <= index) {
          feed(Math.min(index, next + MAX_AHEAD));
          if (decoder.decodeQueueSize > MAX_AHEAD) await new Promise((resolve) => { decoder.ondequeue = resolve; });
        }
        const late = new Promise((resolve) => setTimeout(resolve, 60, 'late'));
        if (await Promise.race([done, late]) !== 'late') return !broken;
        await decoder.flush(); // it held the picture back; goes on from a key picture after that
        const drawn = await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 200, false))]);
        next = -1;
        decoder.close();
        return drawn;
      } catch (error) {
        return false;
      }
    }
    return {count: found.length, show, close: () => { if (decoder && decoder.state !== 'closed') decoder.close(); }};
  }
  return {open};
})();
