#!/usr/bin/env bash
# The built program on a virtual screen, driven by mouse and keys as a reader drives it: opens two real heads, scrolls,
# windows, moves the crosshair, switches layouts, saves a figure, closes. A picture of every step goes to a folder to be
# looked at. Fails when the program ends or hangs, when a pane is black, or when a step changes nothing on the screen.
#
#   tests/window.sh FOLDER [PROGRAM]
#
# Needs Xvfb, xdotool, ImageMagick and Python, and the scans in $ANTRUM_DATA; without them it says so and succeeds.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
pictures=${1:?say where the pictures go}
program=$(realpath "${2:-${CARGO_TARGET_DIR:-$here/target}/release/antrum}")
data=${ANTRUM_DATA:-$here/../shared/data}
heads=(heads/niivue/chris_t1.nii.gz heads/slicer_CT_dicom/CTHeadAxialDicom)
# Seconds that a step may take on a busy machine.
patience=60

for tool in Xvfb xdotool import python3; do
  command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed"; exit 0; }
done
for head in "${heads[@]}"; do
  [[ -e $data/$head ]] || { echo "skipped: $head is not here"; exit 0; }
done

mkdir -p "$pictures"
pictures=$(realpath "$pictures")
rm -f "$pictures"/*.png
private=$(mktemp -d)
trap 'kill ${antrum:-} ${server:-} 2>/dev/null || true; rm -rf "$private"' EXIT

# A screen of its own, and nobody's settings, project or dialogs.
exec 3<> <(:)
Xvfb -displayfd 3 -screen 0 1280x800x24 >/dev/null 2>&1 & server=$!
read -r -t 20 -u 3 display
export DISPLAY=:$display XDG_CONFIG_HOME=$private/config XDG_DATA_HOME=$private/data XDG_RUNTIME_DIR=$private
export DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent
unset WAYLAND_DISPLAY
# The dialog that asks where a figure should go.
mkdir "$private/bin"
printf '#!/bin/sh\ncat "%s"\n' "$private/answer" >"$private/bin/zenity"
chmod +x "$private/bin/zenity"
export PATH=$private/bin:$PATH

# The middles of the four panes in their usual layout.
axial=(356 200) coronal=(970 200) sagittal=(356 545) volume=(970 545)
step=0

fail() {
  import -window root "$pictures/failed.png" 2>/dev/null || true
  echo "failed: $*" >&2
  exit 1
}

# Brightness of the part of a picture around a point, 0 to 1.
brightness() { convert "$1" -crop "300x240+$(($2 - 150))+$(($3 - 120))" -colorspace gray -format '%[fx:mean]' info:; }

# How many pixels of two pictures differ by more than noise.
difference() { compare -metric AE -fuzz 3% "$1" "$2" null: 2>&1 | awk '{ printf "%d", $1 }' || true; }

look() { import -window root "$private/now.png"; }

# Waits until a condition holds for what the screen shows.
await() {
  local what=$1 end=$((SECONDS + patience))
  shift
  while look; ! "$@"; do
    kill -0 "$antrum" 2>/dev/null || fail "the program ended: $what"
    ((SECONDS < end)) || fail "$what"
    sleep 0.2
  done
}

lit() { awk "BEGIN { exit !($(brightness "$private/now.png" "$@") > 0.02) }"; }
all_lit() { lit "${axial[@]}" && lit "${coronal[@]}" && lit "${sagittal[@]}" && lit "${volume[@]}"; }
changed() { (($(difference "$private/before.png" "$private/now.png") > 4000)); }

# Does something to the window, waits for the screen to change, and keeps the picture.
try() {
  local name=$1
  shift
  look && cp "$private/now.png" "$private/before.png"
  "$@"
  await "nothing changed: $name" changed
  # What moves is drawn coarsely first.
  sleep 0.6
  keep "$name"
}

keep() {
  look
  step=$((step + 1))
  cp "$private/now.png" "$(printf '%s/%02d-%s.png' "$pictures" $step "$1")"
  echo "$1"
}

at() { xdotool mousemove "$@"; }
press() { xdotool key --delay 60 "$@"; }
wheel() { at "${axial[@]}"; xdotool click --repeat "$1" --delay 60 "$2"; }
drag() {
  local button=$1
  at "$2" "$3"
  xdotool mousedown "$button"
  for n in 1 2 3 4 5; do
    at $(($2 + n * $4 / 5)) $(($3 + n * $5 / 5))
    sleep 0.05
  done
  xdotool mouseup "$button"
}

# Asks a window to close as window managers do; xdotool can only take it away.
ask_to_close() {
  python3 - "$1" <<'PYTHON'
import ctypes, sys

x = ctypes.CDLL("libX11.so.6")
x.XOpenDisplay.restype = ctypes.c_void_p
x.XInternAtom.restype = ctypes.c_ulong


class ClientMessage(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("send_event", ctypes.c_int),
                ("display", ctypes.c_void_p), ("window", ctypes.c_ulong), ("message_type", ctypes.c_ulong),
                ("format", ctypes.c_int), ("data", ctypes.c_long * 5), ("padding", ctypes.c_long * 24)]


display, window = ctypes.c_void_p(x.XOpenDisplay(None)), int(sys.argv[1])
protocols, delete = (x.XInternAtom(display, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW"))
message = ClientMessage(33, 0, 1, display, window, protocols, 32, (delete, 0))
x.XSendEvent(display, ctypes.c_ulong(window), 0, ctypes.c_long(0), ctypes.byref(message))
x.XCloseDisplay(display)
PYTHON
}

for head in "${heads[@]}"; do
  name=$(basename "$head" .nii.gz)
  "$program" --project "$private/$name.antrum" "$data/$head" 2>"$private/$name.log" & antrum=$!
  for ((n = 0; n < 10 * patience; n++)); do
    window=$(xdotool search --onlyvisible --name Antrum 2>/dev/null | head -1) && [[ $window ]] && break
    kill -0 "$antrum" 2>/dev/null || fail "the program ended: $(tail -1 "$private/$name.log")"
    sleep 0.1
  done
  xdotool windowmove "$window" 0 0 windowsize "$window" 1280 800 windowfocus "$window"
  await "a pane of $name stays black" all_lit
  keep "$name-open"
  try "$name-scrolled" wheel 12 5
  try "$name-windowed" drag 3 "${axial[@]}" 60 -40
  try "$name-crosshair" drag 1 "${coronal[@]}" 40 -50
  try "$name-one-large" press F3
  try "$name-single" press F4
  try "$name-all-again" press F4
  try "$name-quad" press F2
  await "a pane of $name became black" all_lit

  figure="$pictures/$name-figure.png"
  echo "$figure" >"$private/answer"
  press ctrl+shift+e
  saved() { [[ -s $figure ]] && convert "$figure" null: 2>/dev/null; }
  await "no figure of $name was saved" saved
  awk "BEGIN { exit !($(convert "$figure" -colorspace gray -format '%[fx:mean]' info:) > 0.02) }" ||
    fail "the figure of $name is black"
  echo "$name-figure"

  ask_to_close "$window"
  for ((n = 0; n < 10 * patience; n++)); do kill -0 "$antrum" 2>/dev/null || break; sleep 0.1; done
  kill -0 "$antrum" 2>/dev/null && fail "$name cannot be closed"
  wait "$antrum" || fail "the program ended with an error: $(tail -1 "$private/$name.log")"
  ! grep -q panicked "$private/$name.log" || fail "$(grep panicked "$private/$name.log" | head -1)"
done
antrum=
echo "done: pictures are in $pictures"
