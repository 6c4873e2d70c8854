// The page: takes files in, lets the worker check them, shows what it found. Foreign text only ever becomes text nodes.
'use strict';
(() => {
  const $ = (id) => document.getElementById(id);
  const STATUS = ['authentic', 'altered', 'missing', 'extra', 'out_of_place', 'not_covered']; // signed_video::UnitStatus
  const GRAVITY = [0, 5, 2, 4, 3, 1];
  const ICONS = {
    good: 'M20 33l8.5 8.5L45 25', caution: 'M32 18v18M32 45v.5', bad: 'M22 22l20 20M42 22L22 42',
    neutral: 'M24.5 25.5a7.5 7.5 0 1 1 11 6.6c-2.4 1.4-3.5 2.7-3.5 5.4M32 46v.5',
  };
  const MAX_SMALL_FILE = 64 * 1024 * 1024; // certificates and revocation lists

  // ------------------------------------------------------------------------------------------- small helpers
  const element = (tag, className, ...children) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    node.append(...children);
    return node;
  };
  const clock = (seconds) => {
    const ms = Math.max(0, Math.round(seconds * 1000));
    const two = (n) => String(n).padStart(2, '0');
    const s = Math.floor(ms / 1000), h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
    return (h > 0 ? h + ':' + two(m) : m) + ':' + two(s % 60) + '.' + String(ms % 1000).padStart(3, '0');
  };
  const count = (n) => n.toLocaleString('en-US');
  const megabytes = (n) => n < 1e6 ? count(Math.ceil(n / 1e3)) + ' kB' : (n / 1e6).toLocaleString('en-US', {maximumFractionDigits: 1}) + ' MB';

  // ------------------------------------------------------------------------------------------------- worker
  let compiled = null; // the verifier, compiled once
  const compile = () => {
    if (!compiled) {
      const text = atob($('wasm').textContent);
      const bytes = new Uint8Array(text.length);
      for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i);
      compiled = WebAssembly.compile(bytes);
    }
    return compiled;
  };
  const workerUrl = URL.createObjectURL(new Blob([$('worker').textContent], {type: 'text/javascript'}));

  let clip = null;    // the File
  let worker = null;  // of the check that runs
  let answer = null;  // {json, view, times, statuses, seconds, html}
  const trust = {anchors: [], crls: [], signer: []};

  const stopWorker = () => {
    if (worker) worker.terminate();
    worker = null;
    $('working').hidden = true;
  };

  async function check() {
    stopWorker();
    document.documentElement.dataset.state = 'checking';
    answer = null;
    player.close();
    $('problem').hidden = $('result').hidden = true;
    $('drop').hidden = true;
    $('bar').hidden = $('working').hidden = false;
    $('bar-name').textContent = clip.name;
    $('bar-size').textContent = megabytes(clip.size);
    $('working-text').textContent = 'Checking every picture …';
    $('working-bar').value = 0;
    let module;
    try {
      module = await compile();
    } catch (error) {
      return fail('this browser cannot run the verifier (' + error.message + '). A current Chromium, Firefox or Safari can.');
    }
    const mine = worker = new Worker(workerUrl);
    mine.onerror = (event) => mine === worker && fail('the verifier stopped: ' + (event.message || 'unknown reason'));
    mine.onmessage = (event) => {
      if (mine !== worker) return;
      const said = event.data;
      if (said.kind === 'progress') {
        $('working-bar').value = said.total > 0 ? said.done / said.total : 0;
        $('working-text').textContent = said.what === 'hashing' ? 'The verdict is there. Now the hash of the whole file …'
                                                                : 'Checking every picture … ' + Math.floor(100 * said.done / said.total) + ' %';
      } else if (said.kind === 'report') {
        document.documentElement.dataset.speed = clip.size / 1e6 / said.seconds; // for tests
        answer = Object.assign({}, said, {view: JSON.parse(said.view)});
        $('working-text').textContent = 'The verdict is there. Now the hash of the whole file …';
        $('working-bar').value = 0;
        show();
      } else if (said.kind === 'hashed') {
        answer.json = said.json;
        answer.html = said.html;
        $('json').textContent = said.json;
        $('save-html').disabled = $('save-json').disabled = false;
        stopWorker();
        document.documentElement.dataset.state = 'done';
      } else if (said.kind === 'error') {
        fail(said.message);
      }
    };
    const pick = (list) => list.map(({name, bytes}) => ({name, bytes}));
    mine.postMessage({module, file: clip, options: {anchors: pick(trust.anchors), crls: pick(trust.crls), signer: pick(trust.signer),
      serial: $('serial').value.trim(), at: $('at').value.trim(), codec: $('codec').value, format: $('format').value}});
  }

  function fail(message) {
    stopWorker();
    $('problem-text').textContent = message.charAt(0).toUpperCase() + message.slice(1) + (/[.!]$/.test(message) ? '' : '.');
    $('problem').hidden = false;
    document.documentElement.dataset.state = 'failed';
  }

  // ------------------------------------------------------------------------------------------- the result
  const facts = (list, into) => {
    into.replaceChildren(...list.map(({name, lines}) => element('div', '', element('dt', '', name),
        element('dd', '', ...lines.map((line) => element('span', '', line))))));
  };
  const label = (status) => answer.view.statuses[status].label;
  const kind = (status) => [element('i', 'key ' + status), label(status)];

  function show() {
    const view = answer.view;
    $('verdict').className = 'verdict ' + view.mood;
    $('verdict-icon').setAttribute('d', ICONS[view.mood]);
    $('verdict-title').textContent = view.title;
    $('verdict-sentence').textContent = view.sentence;
    facts(view.facts, $('facts'));
    if (view.origin) {
      $('facts').firstChild.after(element('div', '', element('dt', '', 'Origin'),
          element('dd', '', element('span', 'pill ' + view.origin.mood, view.origin.label), element('span', 'soft', view.origin.reason))));
    }
    facts(view.signer, $('signer'));
    $('notes').replaceChildren(...view.notes.map((note) => element('li', note.warning ? 'warn' : '', note.text)));
    $('notes-card').hidden = view.notes.length === 0;
    for (const part of ['method', 'limits']) $(part).replaceChildren(...view[part].map((text) => element('p', '', text)));
    const MAX_ROWS = 500;
    $('findings').tBodies[0].replaceChildren(...view.runs.slice(0, MAX_ROWS).map((run) => {
      const go = element('button', '', run.where || 'show');
      go.type = 'button';
      go.addEventListener('click', () => goTo(run));
      return element('tr', '', element('td', 't', ...kind(run.status)),
          element('td', 't', run.first === run.last ? count(run.first) : count(run.first) + ' to ' + count(run.last)),
          element('td', '', go), element('td', '', run.what));
    }));
    const more = Math.max(0, view.runs.length - MAX_ROWS) + view.runs_more;
    $('findings-more').textContent = more > 0 ? count(more) + ' more places are not shown here; the timeline has them.' : '';
    $('findings-card').hidden = view.runs.length === 0;
    $('gops').tBodies[0].replaceChildren(...view.gops.slice(0, 2000).map((gop) => element('tr', '',
        element('td', 'n', count(gop.index)), element('td', 'n', count(gop.first)), element('td', 'n', count(gop.pictures)),
        element('td', 't', element('i', 'key ' + gop.status), gop.label), element('td', '', gop.signature),
        element('td', '', gop.linked ? 'yes' : 'no'), element('td', 't', gop.start || ''))));
    $('gops-count').textContent = count(view.gops.length);
    $('gops-details').hidden = view.gops.length === 0;
    $('json').textContent = answer.json;
    $('save-html').disabled = $('save-json').disabled = true; // until the hash of the file is in them
    $('speed').textContent = 'Checked ' + megabytes(clip.size) + ' in ' + answer.seconds.toFixed(2) + ' s (' +
        Math.round(clip.size / 1e6 / Math.max(answer.seconds, 1e-3)) + ' MB/s).';
    $('result').hidden = false;
    player.open(clip, answer);
    $('result').focus({preventScroll: true});
    document.documentElement.dataset.state = 'report';
  }

  const goTo = (run) => {
    player.seek(run.clip);
    $('timeline').scrollIntoView({block: 'center', behavior: 'auto'});
    $('timeline').focus({preventScroll: true});
  };

  // -------------------------------------------------------------------------------------- player and timeline
  const player = (() => {
    const video = $('video');
    let url = null;
    let shown = [];     // place on the screen -> picture: in order of presentation
    let place = [];     // picture -> place
    let begins = [];    // place -> second
    let has_times = false;
    let length = 0;     // seconds
    let statuses = [];
    let gaps = new Map(); // place -> run of missing pictures that stood before it
    let bad = [];       // places of what is wrong, ascending
    let now = 0;        // place
    let can_play = false;
    let stuck = false;  // the browser's decoder stopped at a picture: what was changed may have broken it
    let dragging = false;
    let our_second = 0; // where we sent the player; while it stands, `now` counts and not what it shows on its way
    let raw = null;     // RawPlayer of this clip
    let raw_timer = 0;  // while it plays
    let raw_busy = false;
    const RAW_PICTURE_MS = 40; // raw streams have no times

    function open(file, result) {
      close();
      statuses = result.statuses;
      const n = statuses.length;
      const times = result.times;
      has_times = n > 0 && !times.some(Number.isNaN);
      shown = new Uint32Array(n);
      for (let i = 0; i < n; ++i) shown[i] = i;
      if (has_times) shown.sort((a, b) => times[a] - times[b] || a - b);
      place = new Uint32Array(n);
      begins = new Float64Array(n);
      const first = has_times ? times[shown[0]] : 0;
      for (let i = 0; i < n; ++i) {
        place[shown[i]] = i;
        begins[i] = has_times ? times[shown[i]] - first : i;
      }
      length = n > 1 ? begins[n - 1] + (begins[n - 1] - begins[n - 2]) : 1;
      gaps = new Map();
      for (const run of result.view.runs) {
        if (run.status === 'missing') gaps.set(run.clip < n ? place[run.clip] : n, run);
      }
      bad = [];
      for (let i = 0; i <= n; ++i) {
        const is_bad = (at) => at >= 0 && at < n && GRAVITY[statuses[shown[at]]] > 1;
        if (gaps.has(i) || (is_bad(i) && (!is_bad(i - 1) || statuses[shown[i]] !== statuses[shown[i - 1]]))) bad.push(Math.min(i, n - 1));
      }
      $('timeline').setAttribute('aria-valuemax', Math.max(0, n - 1));
      $('scale-begin').textContent = has_times ? '0:00' : 'picture 0';
      $('scale-end').textContent = has_times ? clock(length) : n > 0 ? 'picture ' + count(n - 1) : '';
      $('bad-before').disabled = $('bad-after').disabled = bad.length === 0;
      legend(result.view.runs);
      can_play = stuck = false;
      now = 0;
      $('screen-text').hidden = true;
      video.hidden = false;
      $('decoded').hidden = true;
      url = URL.createObjectURL(file);
      video.src = url;
      update();
      if (bad.length > 0) seek(shown[bad[0]]);
    }

    function close() {
      video.removeAttribute('src');
      if (url) URL.revokeObjectURL(url);
      url = null;
      statuses = [];
      if (raw) raw.close();
      raw = null;
      rawPause();
    }

    function legend(runs) {
      const seen = new Set();
      for (const status of statuses) seen.add(STATUS[status]);
      for (const run of runs) seen.add(run.status);
      $('legend').replaceChildren(...STATUS.filter((s) => seen.has(s)).map((s) =>
        element('li', '', ...kind(s), element('span', 'soft', ' ' + answer.view.statuses[s].explanation))));
    }

    // The picture that is on the screen at this second of the clip.
    function placeAt(second) {
      let low = 0, high = begins.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (begins[middle] <= second + 1e-4) low = middle + 1; else high = middle;
      }
      return Math.max(0, low - 1);
    }

    function seek(picture) {
      if (statuses.length === 0) return;
      go(place[Math.min(picture, statuses.length - 1)]);
    }
    function go(to) {
      if (statuses.length === 0) return;
      now = Math.max(0, Math.min(to, statuses.length - 1));
      if (stuck) {
        stuck = false;
        $('screen-text').hidden = true;
        video.hidden = false;
        video.src = url; // goes to `now` when it is loaded
      } else if (can_play && has_times) {
        video.pause();
        const until = now + 1 < begins.length ? begins[now + 1] : length;
        video.currentTime = our_second = (begins[now] + until) / 2; // the middle: no rounding shows the neighbour
      }
      rawPause();
      rawShow();
      update();
    }

    // The newest wish counts: wishes that come while a picture is decoded are fulfilled by the last one.
    async function rawShow() {
      if (!raw || raw_busy) return;
      raw_busy = true;
      const mine = raw;
      let drawn = -1;
      while (mine === raw && drawn !== now) {
        drawn = now;
        const good = await mine.show(Math.min(shown[drawn], mine.count - 1));
        if (mine !== raw) break;
        $('decoded').hidden = !good;
        $('screen-text').hidden = good;
        if (!good) $('screen-text').textContent = 'The browser cannot decode this picture.';
      }
      raw_busy = false;
    }
    function rawPause() {
      clearInterval(raw_timer);
      raw_timer = 0;
      playing();
    }
    function rawPlay() {
      if (now >= statuses.length - 1) now = 0;
      raw_timer = setInterval(() => {
        if (raw_busy) return;
        if (now >= statuses.length - 1) return rawPause();
        ++now;
        rawShow();
        update();
      }, RAW_PICTURE_MS);
      playing();
    }
    function step(direction) {
      const next = direction > 0 ? bad.find((at) => at > now) : bad.filter((at) => at < now).pop();
      if (next !== undefined) go(next);
    }

    function statusNow() {
      return statuses.length > 0 ? STATUS[statuses[shown[now]]] : 'not_covered';
    }

    function update() {
      const n = statuses.length;
      draw();
      if (n === 0) return;
      const status = statusNow();
      const gap = gaps.get(now) || (now === n - 1 ? gaps.get(n) : undefined);
      let text = 'Picture ' + count(shown[now]) + ' of ' + count(n) + ' · ' + (has_times ? clock(begins[now]) + ' · ' : '') + label(status);
      if (gap) text += ' · ' + gap.what;
      $('now').textContent = text;
      $('timeline').setAttribute('aria-valuenow', now);
      $('timeline').setAttribute('aria-valuetext', text);
      $('screen').className = 'screen ' + status;
      $('flag').hidden = false;
      $('flag').className = 'flag ' + (gap && status === 'authentic' ? 'missing' : status);
      $('flag').textContent = gap && status === 'authentic' ? label('missing') + ' before this picture' : label(status);
    }

    const colours = () => {
      const style = getComputedStyle(document.documentElement);
      const of = (name) => style.getPropertyValue('--' + name).trim();
      return {status: STATUS.map(of), ink: of('ink'), wash: of('wash'), line: of('line'), paper: of('paper')};
    };
    const sized = (canvas) => {
      const ratio = window.devicePixelRatio || 1;
      const width = Math.max(1, Math.round(canvas.clientWidth * ratio)), height = Math.max(1, Math.round(canvas.clientHeight * ratio));
      if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
      const paint = canvas.getContext('2d');
      paint.clearRect(0, 0, width, height);
      return {paint, width, height, ratio};
    };
    const xOf = (at, width) => (at < begins.length ? begins[at] : length) / length * width;

    // What is wrong stands taller than what is right: it shows without colour.
    function bar(paint, x, width, height, status) {
      const inset = GRAVITY[status] > 1 ? 0 : height * .17;
      paint.fillRect(x, inset, width, height - 2 * inset);
    }

    function draw() {
      const colour = colours();
      {
        const {paint, width, height, ratio} = sized($('overview'));
        const columns = new Int8Array(width).fill(-1);
        for (let i = 0; i < statuses.length; ++i) {
          const status = statuses[shown[i]];
          const from = Math.floor(xOf(i, width)), to = Math.max(from + 1, Math.floor(xOf(i + 1, width)));
          for (let x = from; x < Math.min(to, width); ++x) {
            if (columns[x] < 0 || GRAVITY[status] > GRAVITY[columns[x]]) columns[x] = status;
          }
        }
        const least = Math.ceil(9 * ratio); // what is wrong is at least this wide, and shows on both sides of the head
        for (let x = 0; x < width;) {
          let end = x + 1;
          while (end < width && columns[end] === columns[x]) ++end;
          if (columns[x] >= 0 && GRAVITY[columns[x]] <= 1) {
            paint.fillStyle = colour.status[columns[x]];
            bar(paint, x, end - x, height, columns[x]);
          }
          x = end;
        }
        for (let x = 0; x < width;) {
          let end = x + 1;
          while (end < width && columns[end] === columns[x]) ++end;
          if (columns[x] >= 0 && GRAVITY[columns[x]] > 1) {
            paint.fillStyle = colour.status[columns[x]];
            const wide = Math.max(end - x, least);
            bar(paint, Math.max(0, Math.min(x - (wide - (end - x)) / 2, width - wide)), wide, height, columns[x]);
          }
          x = end;
        }
        for (const at of gaps.keys()) gapMark(paint, Math.min(xOf(at, width), width - 2 * ratio), height, ratio, colour);
        if (statuses.length > 0) head(paint, (xOf(now, width) + xOf(now + 1, width)) / 2, height, ratio, colour);
      }
      {
        const {paint, width, height, ratio} = sized($('close-up'));
        const cell = 15 * ratio, half = Math.ceil(width / cell / 2);
        for (let i = now - half; i <= now + half; ++i) {
          if (i < 0 || i >= statuses.length) continue;
          const x = width / 2 + (i - now - .5) * cell;
          const status = statuses[shown[i]];
          paint.fillStyle = colour.status[status];
          bar(paint, x + ratio, cell - 2 * ratio, height - 6 * ratio, status);
        }
        for (const at of gaps.keys()) {
          const x = width / 2 + (at - now - .5) * cell;
          if (x > -cell && x < width + cell) gapMark(paint, x, height - 6 * ratio, ratio, colour);
        }
        if (statuses.length > 0) {
          paint.strokeStyle = colour.ink;
          paint.lineWidth = 2 * ratio;
          paint.strokeRect(width / 2 - cell / 2, ratio, cell, height - 8 * ratio);
          paint.fillStyle = colour.ink;
          paint.beginPath();
          paint.moveTo(width / 2, height - 5 * ratio);
          paint.lineTo(width / 2 - 5 * ratio, height);
          paint.lineTo(width / 2 + 5 * ratio, height);
          paint.fill();
        }
      }
    }
    function gapMark(paint, x, height, ratio, colour) {
      paint.fillStyle = colour.paper;
      paint.fillRect(x - 3 * ratio, 0, 6 * ratio, height);
      paint.fillStyle = colour.status[2];
      paint.fillRect(x - 1.5 * ratio, 0, 3 * ratio, height);
      paint.beginPath();
      paint.moveTo(x - 6 * ratio, 0);
      paint.lineTo(x + 6 * ratio, 0);
      paint.lineTo(x, 8 * ratio);
      paint.fill();
    }
    function head(paint, x, height, ratio, colour) {
      paint.fillStyle = colour.paper;
      paint.fillRect(x - 2.5 * ratio, 0, 5 * ratio, height);
      paint.fillStyle = colour.ink;
      paint.fillRect(x - ratio, 0, 2 * ratio, height);
    }

    video.addEventListener('loadedmetadata', () => {
      can_play = video.videoWidth > 0;
      if (!can_play) return unplayable();
      playing();
      go(now);
    });
    video.addEventListener('error', () => {
      if (!url) return;
      if (!can_play) return unplayable();
      stuck = true;
      video.hidden = true;
      $('screen-text').hidden = false;
      $('screen-text').textContent = 'The browser cannot decode the pictures here. Changes to the clip can be the reason, but need not be; the check does not depend on it.';
      playing();
    });
    async function unplayable() {
      can_play = false;
      video.hidden = true;
      update();
      const mine = url;
      const {container, codec} = JSON.parse(answer.json).file;
      const player = container === 'annex_b' ? await RawPlayer.open(clip, codec, $('decoded')) : null;
      if (mine !== url) {
        if (player) player.close();
        return;
      }
      raw = player;
      playing();
      if (raw) return rawShow();
      $('screen-text').hidden = false;
      $('screen-text').textContent = 'This browser cannot play this kind of clip' + (codec === 'h265' ? ' (H.265)' : '') +
          '. The check does not depend on that: the verdicts below are complete.';
    }
    const follow = (second) => {
      if (!can_play || !has_times || dragging) return;
      const at = placeAt(second);
      if (at !== now && begins[at] !== begins[now]) { // several pictures can share a time
        now = at;
        update();
      }
    };
    if ('requestVideoFrameCallback' in HTMLVideoElement.prototype) {
      const each = (_, frame) => {
        if (!video.paused && !video.seeking) follow(frame.mediaTime);
        video.requestVideoFrameCallback(each);
      };
      video.requestVideoFrameCallback(each);
    } else {
      video.addEventListener('timeupdate', () => { if (!video.paused && !video.seeking) follow(video.currentTime); });
    }
    video.addEventListener('seeked', () => { if (Math.abs(video.currentTime - our_second) > 1e-3) follow(video.currentTime); });
    function playing() {
      $('play').textContent = raw_timer !== 0 || (can_play && !video.paused) ? 'Pause' : 'Play';
      $('play').disabled = !can_play && !raw;
    }
    for (const event of ['play', 'pause', 'ended', 'emptied']) video.addEventListener(event, playing);
    const toggle = () => {
      if (raw) return raw_timer ? rawPause() : rawPlay();
      if (can_play && !stuck) return video.paused ? video.play() : video.pause();
    };

    const timeline = $('timeline');
    const point = (event) => {
      const close_up = $('close-up').getBoundingClientRect();
      if (!dragging && event.clientY >= close_up.top) {
        go(now + Math.round((event.clientX - (close_up.left + close_up.width / 2)) / 15));
        return;
      }
      dragging = true;
      const box = $('overview').getBoundingClientRect();
      go(placeAt(Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * length));
    };
    timeline.addEventListener('pointerdown', (event) => {
      timeline.setPointerCapture(event.pointerId);
      point(event);
    });
    timeline.addEventListener('pointermove', (event) => { if (dragging) point(event); });
    for (const event of ['pointerup', 'pointercancel']) timeline.addEventListener(event, () => { dragging = false; });
    timeline.addEventListener('keydown', (event) => {
      const keys = {ArrowLeft: () => go(now - 1), ArrowDown: () => go(now - 1), ArrowRight: () => go(now + 1), ArrowUp: () => go(now + 1),
        PageUp: () => step(-1), PageDown: () => step(1), Home: () => go(0), End: () => go(statuses.length - 1), ' ': toggle};
      if (!keys[event.key] || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      keys[event.key]();
    });
    for (const place of ['play', 'video', 'decoded']) $(place).addEventListener('click', toggle);
    $('frame-before').addEventListener('click', () => go(now - 1));
    $('frame-after').addEventListener('click', () => go(now + 1));
    $('bad-before').addEventListener('click', () => step(-1));
    $('bad-after').addEventListener('click', () => step(1));
    window.addEventListener('resize', draw);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
    window.addEventListener('beforeprint', draw);
    return {open, close, seek};
  })();

  // ----------------------------------------------------------------------------------------------- files in
  const isSmallFile = (file) => /\.(pem|crt|cer|der|crl|ors|ocsp)$/i.test(file.name) && file.size <= MAX_SMALL_FILE;

  function showTrust() {
    for (const [list, id] of [['anchors', 'anchors'], ['crls', 'crls'], ['signer', 'signer-file']]) {
      $(id).replaceChildren(...trust[list].map((entry) => {
        const remove = element('button', '', '×');
        remove.type = 'button';
        remove.setAttribute('aria-label', 'remove ' + entry.name);
        remove.addEventListener('click', () => {
          trust[list] = trust[list].filter((other) => other !== entry);
          changed();
        });
        return element('li', '', entry.name, remove);
      }));
    }
    const words = [];
    if (trust.anchors.length) words.push(trust.anchors.length === 1 ? trust.anchors[0].name : trust.anchors.length + ' authorities');
    if (trust.signer.length) words.push('only ' + trust.signer[0].name);
    if ($('serial').value.trim()) words.push('only serial ' + $('serial').value.trim());
    if ($('at').value.trim()) words.push('judged at ' + $('at').value.trim());
    $('trust-summary').textContent = words.length ? words.join(', ') : 'nobody named yet';
  }
  const changed = () => {
    showTrust();
    if (clip) check();
  };
  async function take(list, files) {
    for (const file of files) {
      if (file.size > MAX_SMALL_FILE) continue;
      const entry = {name: file.name, bytes: new Uint8Array(await file.arrayBuffer())};
      if (list === 'signer') trust.signer = [entry]; else trust[list].push(entry);
    }
    $('trust').open = true;
    changed();
  }

  async function takeAny(files) {
    const all = [...files];
    const small = all.filter(isSmallFile);
    const clips = all.filter((file) => !isSmallFile(file));
    if (clips.length > 0) clip = clips[0];
    const crls = small.filter((file) => /\.(crl|ors|ocsp)$/i.test(file.name));
    const anchors = small.filter((file) => !crls.includes(file));
    for (const [list, some] of [['crls', crls], ['anchors', anchors]]) {
      for (const file of some) trust[list].push({name: file.name, bytes: new Uint8Array(await file.arrayBuffer())});
    }
    if (small.length > 0) $('trust').open = true;
    changed();
  }

  $('choose').addEventListener('click', () => $('clip-input').click());
  $('another').addEventListener('click', () => $('clip-input').click());
  $('again').addEventListener('click', () => clip && check());
  $('cancel').addEventListener('click', () => {
    const had = answer !== null;
    stopWorker();
    if (had) $('save-json').disabled = false;
    else $('drop').hidden = false;
  });
  for (const [input, use] of [['clip-input', takeAny], ['anchor-input', (f) => take('anchors', f)], ['crl-input', (f) => take('crls', f)],
    ['signer-input', (f) => take('signer', f)]]) {
    $(input).addEventListener('change', async () => {
      const files = [...$(input).files];
      $(input).value = '';
      if (files.length) await use(files);
    });
  }
  for (const [button, input] of [['add-anchor', 'anchor-input'], ['add-crl', 'crl-input'], ['add-signer', 'signer-input']]) {
    $(button).addEventListener('click', () => $(input).click());
  }
  $('add-paste').addEventListener('click', () => {
    const text = $('paste').value.trim();
    if (!text) return;
    trust.anchors.push({name: 'pasted text', bytes: new TextEncoder().encode(text + '\n')});
    $('paste').value = '';
    changed();
  });
  for (const id of ['serial', 'at', 'codec', 'format']) $(id).addEventListener('change', changed);

  let inside = 0;
  const veil = (on) => { $('veil').hidden = !on; };
  window.addEventListener('dragenter', (event) => { event.preventDefault(); ++inside; veil(true); });
  window.addEventListener('dragleave', () => { inside = Math.max(0, inside - 1); veil(inside > 0); });
  window.addEventListener('dragover', (event) => event.preventDefault());
  window.addEventListener('drop', (event) => {
    event.preventDefault();
    inside = 0;
    veil(false);
    if (event.dataTransfer.files.length) takeAny(event.dataTransfer.files);
  });

  // ----------------------------------------------------------------------------------------------- files out
  const save = (name, type, text) => {
    const link = element('a');
    link.href = URL.createObjectURL(new Blob([text], {type}));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  const stem = () => clip.name.replace(/\.[^.]*$/, '');
  $('save-html').addEventListener('click', () => save(stem() + '.report.html', 'text/html', answer.html));
  $('save-json').addEventListener('click', () => save(stem() + '.report.json', 'application/json', answer.json));
  $('print').addEventListener('click', () => window.print());
  showTrust();
  document.documentElement.dataset.state = 'ready';
})();
