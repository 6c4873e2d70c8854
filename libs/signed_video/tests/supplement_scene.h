// Scenes with everything that a supplement speaks about: parameter sets, SEIs of others, times, sound.
#pragma once

#include "scene.h"

namespace camvault::signed_video::test {

struct SideUnit {
  std::size_t before;  // unit of the take that it stands before
  SideKind kind;
  std::uint32_t track;
  Bytes bytes;
  Ticks time;
};

// A clip with all that a container holds.
struct Clip {
  codec::Codec codec = codec::Codec::h264;
  std::vector<Bytes> units;
  std::vector<char> letters;                // as Take; 'v' parameter set, 'z' another SEI, 'A' supplement
  std::vector<std::optional<Ticks>> times;  // container times; of every unit
  std::vector<Bytes> header;                // parameter sets that the container's header holds
  std::vector<SideUnit> side;

  std::size_t find(char letter, std::size_t n = 0) const {
    for (std::size_t i = 0; i < units.size(); ++i) {
      if (letters[i] == letter && n-- == 0) return i;
    }
    return SIZE_MAX;
  }
  std::size_t picture(std::size_t n) const {
    for (std::size_t i = 0; i < units.size(); ++i) {
      if ((letters[i] == 'I' || letters[i] == 'P') && n-- == 0) return i;
    }
    return SIZE_MAX;
  }
  void erase(std::size_t index) {
    units.erase(units.begin() + static_cast<std::ptrdiff_t>(index));
    letters.erase(letters.begin() + static_cast<std::ptrdiff_t>(index));
    times.erase(times.begin() + static_cast<std::ptrdiff_t>(index));
    for (auto& s : side) s.before -= s.before > index ? 1u : 0u;
  }
  void erase_all(char letter) {
    for (auto i = find(letter); i != SIZE_MAX; i = find(letter)) erase(i);
  }
  void insert(std::size_t index, Bytes unit, char letter) {
    units.insert(units.begin() + static_cast<std::ptrdiff_t>(index), std::move(unit));
    letters.insert(letters.begin() + static_cast<std::ptrdiff_t>(index), letter);
    times.insert(times.begin() + static_cast<std::ptrdiff_t>(index),
                 times[std::min(index, times.size() - 1)]);
    for (auto& s : side) s.before += s.before > index ? 1u : 0u;
  }
  // Access units begin where the picture number changes: keeps pictures [first, last) with what belongs to
  // them.
  void keep_pictures(std::size_t first, std::size_t last) {
    Clip cut;
    cut.codec = codec;
    cut.header = header;
    std::size_t seen = 0;
    std::optional<Ticks> begin;
    std::optional<Ticks> end;
    for (std::size_t i = 0; i < units.size(); ++i) {
      const bool is_picture = letters[i] == 'I' || letters[i] == 'P';
      // What stands before a picture's first slice is in its access unit.
      std::size_t belongs = seen;
      if (is_picture) ++seen;
      if (belongs < first || belongs >= last) continue;
      cut.units.push_back(units[i]);
      cut.letters.push_back(letters[i]);
      cut.times.push_back(times[i]);
      if (!begin) begin = times[i];
      end = times[i];
    }
    for (const auto& s : side) {
      if (begin && end && s.time >= *begin && s.time <= *end) {
        auto copy = s;
        copy.before = cut.units.size();
        cut.side.push_back(copy);
      }
    }
    *this = std::move(cut);
  }
};

inline Bytes parameter_set(char kind, std::uint8_t content, std::uint8_t id = 0) {
  // H.264: profile, constraints, level, then the number as ue(v): 1 = 0, 010 = 1.
  const std::uint8_t number = id == 0 ? 0x80 : 0x40;
  if (kind == 's') return {0x67, 0x42, 0x00, 0x1e, static_cast<std::uint8_t>(number | 0x0f), content, 0x80};
  return {0x68, static_cast<std::uint8_t>(number | 0x0e), content, 0x80};
}

inline Bytes other_sei(std::uint8_t content) {
  return {0x06, 0x04, 0x03, 0xb5, 0x00, content, 0x80};  // registered user data
}

struct ClipScene {
  std::string scene = "IPPPIPPPIPPPIPPP";
  bool sound = true;
  bool metadata = false;
  bool times = true;
  bool finish = true;
  std::uint32_t salt = 0;
  std::vector<Bytes> header{};  // units of the container's header, as the signer sees it
  Ticks container_begin{0};
  Timestamp begin = recording_begins();
  std::size_t clock_set_at = SIZE_MAX;  // picture from which on the camera's clock is another
  Ticks clock_set_by{0};
  std::function<void(Signer&, std::size_t picture)> meanwhile{};
};

inline constexpr Ticks kSoundFrame = std::chrono::milliseconds(16);

inline Bytes sound_sample(std::uint32_t number, std::uint32_t salt) {
  Bytes bytes(20, 0x11);
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
    bytes[4 + i] = static_cast<std::uint8_t>(salt >> (8 * i));
  }
  return bytes;
}

// Each IDR comes with both parameter sets and an SEI of the encoder.
inline Clip record_clip(const Camera& camera, SignerOptions options, const ClipScene& how = {}) {
  Clip clip;
  clip.codec = options.codec;
  options.supplement = true;
  auto signer = Signer::create(engine(), camera.key, options);
  EXPECT_TRUE(signer) << (signer ? "" : signer.error().what);
  clip.header = how.header;
  for (const auto& unit : how.header) signer->add_header_unit(unit);
  std::uint32_t sound = 0;
  const auto put = [&](BytesView unit, char letter, std::optional<Ticks> time) {
    clip.units.push_back(to_bytes(unit));
    clip.letters.push_back(letter);
    clip.times.push_back(how.times ? time : std::nullopt);
  };
  const auto put_seis = [&](std::span<const Bytes> seis, Ticks time) {
    for (const auto& sei : seis) put(sei, is_supplement_sei(clip.codec, sei) ? 'A' : 'S', time);
  };
  for (std::size_t i = 0; i < how.scene.size(); ++i) {
    const auto into = static_cast<std::int64_t>(i) * kFrame;
    const auto shown = how.container_begin + into;
    if (how.meanwhile) how.meanwhile(*signer, i);
    const auto add_side = [&](SideKind kind, std::uint32_t track, Bytes bytes, Ticks time) {
      EXPECT_TRUE(signer->add_side({kind, track, bytes, time, 0}));
      clip.side.push_back({clip.units.size(), kind, track, std::move(bytes), time});
    };
    while (how.sound && static_cast<std::int64_t>(sound) * kSoundFrame <= into) {
      add_side(SideKind::audio, 1, sound_sample(sound, how.salt),
               how.container_begin + static_cast<std::int64_t>(sound) * kSoundFrame);
      ++sound;
    }
    if (how.metadata)
      add_side(SideKind::metadata, 2, sound_sample(static_cast<std::uint32_t>(i), how.salt + 77), shown);
    std::vector<Bytes> units;
    std::string letters;
    if (how.scene[i] == 'I') {
      units = {parameter_set('s', 1), parameter_set('p', 1), other_sei(static_cast<std::uint8_t>(i + 1))};
      letters = "vvz";
    }
    units.push_back(slice(options.codec, how.scene[i], static_cast<std::uint32_t>(i), how.salt));
    letters += how.scene[i];
    const std::vector<BytesView> views(units.begin(), units.end());
    const auto clock = how.begin + into + (i >= how.clock_set_at ? how.clock_set_by : Ticks(0));
    const auto seis = signer->add(views, clock, shown);
    EXPECT_TRUE(seis) << (seis ? "" : seis.error().what);
    for (std::size_t u = 0; u + 1 < units.size(); ++u) put(units[u], letters[u], shown);
    put_seis(*seis, shown);
    put(units.back(), letters.back(), shown);
  }
  if (how.finish) {
    const auto seis = signer->finish();
    EXPECT_TRUE(seis);
    put_seis(*seis, how.container_begin + static_cast<std::int64_t>(how.scene.size() - 1) * kFrame);
  }
  return clip;
}

inline Report verify_clip_once(const Clip& clip, VerifyOptions options, std::size_t run) {
  Verifier verifier(clip.codec, engine(), std::move(options));
  std::vector<codec::Unit> units;
  for (const auto& set : clip.header) {
    codec::Unit unit;
    unit.bytes = set;
    unit.out_of_band = true;
    units.push_back(unit);
  }
  auto side = clip.side.begin();
  for (std::size_t i = 0; i < clip.units.size(); ++i) {
    for (; side != clip.side.end() && side->before <= i; ++side)
      verifier.add_side({side->kind, side->track, side->bytes, side->time, 0});
    codec::Unit unit;
    unit.bytes = clip.units[i];
    unit.offset = i;
    if (clip.times[i]) unit.container_time = Timestamp(*clip.times[i]);
    units.push_back(unit);
    if (units.size() >= run || i + 1 == clip.units.size()) {
      verifier.add(units);
      units.clear();
    }
  }
  for (; side != clip.side.end(); ++side)
    verifier.add_side({side->kind, side->track, side->bytes, side->time, 0});
  return verifier.finish();
}

// What is found does not hang on threads, or on how far hashing is ahead of judging.
inline Report verify_clip(const Clip& clip, VerifyOptions options = trusting(camera_one()),
                          std::size_t run = 7) {
  const auto report = verify_clip_once(clip, options, run);
  options.bytes_stay = true;
  for (const unsigned jobs : {1u, 3u}) {
    options.jobs = jobs;
    EXPECT_EQ(everything(verify_clip_once(clip, options, run)), everything(report)) << jobs << " threads";
  }
  return report;
}

inline std::string notes_of(const Report& report) {
  std::string all = std::string(to_string(report.verdict)) + " (" + report.verdict_reason + ")";
  for (const auto& note : report.notes)
    all += "\n  " + std::string(to_string(note.kind)) + " " + std::to_string(note.count) + ": " + note.text;
  return all;
}

}  // namespace camvault::signed_video::test
