# SPDX-License-Identifier: GPL-2.0-only
# gnuplot: ticks per operation, vmxhv beside KVM; data and chart are file names.
set terminal svg size 960,420 font "sans-serif,11" background "white"
set output chart
set logscale y
set yrange [100:*]
set format y "10^{%L}"
set ylabel "instructions"
set grid ytics linecolor "#dddddd"
set border 3
set tics nomirror
set xtics rotate by -40
set key top left
set style data histogram
set style histogram clustered gap 1
set style fill solid noborder
set boxwidth 0.9
plot data using 2:xtic(1) title "vmxhv" linecolor "#2b7a78", \
     "" using 3 title "KVM" linecolor "#c8a165"
