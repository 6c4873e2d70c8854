#!/usr/bin/env bash
# The clips that bench_signed_video measures with: 2 s GOPs, 25 pictures a second, bit rates really reached.
#   bench/make_clips.sh FOLDER
# A clip that is there already is kept. Needs ffmpeg with libx264.
set -euo pipefail
folder=$1
mkdir -p "$folder"

# make NAME SIZE RATE_KBIT SECONDS SLICES TIMES: NAME.mp4, and NAME.h264 with the same units as a byte stream.
# NAME_long.mp4 is the same TIMES times one after the other, as recordings are long.
make_clip() {
  local name=$1 size=$2 rate=$3 seconds=$4 slices=$5 times=$6
  if [ ! -s "$folder/$name.mp4" ]; then
    echo "bench: encoding $name ($size, $rate kbit/s, $seconds s)"
    # Noise over the test picture: without it no encoder reaches the bit rate. Constant rate with filler off, so that
    # the units are what a camera sends. No B pictures: live encoders do not use them.
    ffmpeg -nostdin -hide_banner -loglevel error -y \
      -f lavfi -i "testsrc2=size=$size:rate=25,noise=alls=12:allf=t" -t "$seconds" -an \
      -c:v libx264 -preset ultrafast -bf 0 -g 50 -keyint_min 50 -sc_threshold 0 -slices "$slices" -threads 2 \
      -b:v "${rate}k" -minrate "${rate}k" -maxrate "${rate}k" -bufsize "$((rate * 2))k" \
      -x264-params "force-cfr=1:sliced-threads=0:slices=$slices" -pix_fmt yuv420p -f mp4 "$folder/$name.part"
    mv "$folder/$name.part" "$folder/$name.mp4"
  fi
  if [ ! -s "$folder/$name.h264" ]; then
    ffmpeg -nostdin -hide_banner -loglevel error -y -i "$folder/$name.mp4" -c:v copy -bsf:v h264_mp4toannexb \
      -f h264 "$folder/$name.part"
    mv "$folder/$name.part" "$folder/$name.h264"
  fi
  if [ ! -s "$folder/${name}_long.mp4" ]; then
    ffmpeg -nostdin -hide_banner -loglevel error -y -stream_loop "$((times - 1))" -i "$folder/$name.mp4" -c copy \
      -f mp4 "$folder/$name.part"
    mv "$folder/$name.part" "$folder/${name}_long.mp4"
  fi
}

make_clip 1080p_8M 1920x1080 8000 60 1 10
make_clip 1080p_8M_8slices 1920x1080 8000 20 8 20
make_clip 2160p_20M 3840x2160 20000 20 1 10
make_clip 360p_500k 640x360 500 60 1 60
