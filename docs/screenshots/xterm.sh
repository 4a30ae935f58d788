#!/bin/bash
# xterm.sh PROGRAM FOLDER: the first screen in xterm on a virtual display, as pictures.
set -e -o pipefail
program=$1 folder=$2
export DISPLAY=:$((100 + $$ % 800))
Xvfb "$DISPLAY" -noreset -screen 0 2600x1700x24 >/dev/null 2>&1 &
display=$!
trap 'kill $display' EXIT
until xdotool getdisplaygeometry >/dev/null 2>&1; do sleep 0.1; done
picture() { # SIZE NAME BACKGROUND TEXT TERM THEME
	state=$(mktemp -d)
	mkdir -p "$state/binas-tui"
	echo "{\"tour_seen\": true, \"theme\": \"$6\"}" >"$state/binas-tui/explorer.json"
	env -u NO_COLOR XDG_STATE_HOME="$state" xterm -u8 -fa 'DejaVu Sans Mono' -fs 8 -b 4 +sb -geometry "$1+0+0" -bg "$3" -fg "$4" -tn "$5" -e "$program" --limit 8ms &
	terminal=$!
	window=$(xdotool search --sync --class xterm | tail -1)
	sleep 2
	import -window "$window" -strip miff:- | convert - +dither -colors 32 "PNG8:$folder/xterm-$1-$2.png"
	kill $terminal
	wait $terminal 2>/dev/null || true
	rm -r "$state"
}
for size in 80x24 100x30 120x40 200x60 300x80; do
	picture $size dark black '#e0e0e0' xterm-256color dark
	picture $size light white black xterm-256color light
	picture $size 16 black '#e0e0e0' xterm 16-colour
	picture $size mono black '#e0e0e0' xterm-256color mono
done
