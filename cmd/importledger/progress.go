package main

import (
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// progress shows how far something long has come: bars on a terminal, elsewhere
// nothing but the lines that frame it.
type progress struct {
	bars  *mpb.Progress // nil: not animated
	width layout
}

// layout is how many columns of a terminal the parts of a line take. A line that is
// wider than the terminal loses them from its bar, which then jumps with its notes.
type layout struct{ name, bar int }

var (
	importLayout  = layout{name: 11, bar: 13} // 80 columns with rows, their rate and errors
	rebuildLayout = layout{name: 16, bar: 24} // 80 columns with speed and time left
)

func (t *terminal) newProgress(width layout) *progress {
	if !t.animated {
		return &progress{}
	}
	return &progress{width: width, bars: mpb.New(mpb.WithOutput(t.err), mpb.WithWidth(width.name+width.bar), mpb.WithRefreshRate(100*time.Millisecond))}
}

// bar is one line of progress; its zero value shows nothing.
type bar struct {
	bar *mpb.Bar
}

// add begins a line. A total of 0 is not known. The notes stand at its end and
// are asked for each time it is drawn.
func (p *progress) add(name string, total int64, notes func(decor.Statistics) string) bar {
	if p.bars == nil {
		return bar{}
	}
	style := mpb.BarStyle().Lbound("").Rbound("").Filler("━").Tip("━").Padding("─")
	return bar{p.bars.New(total, style,
		mpb.BarWidth(p.width.bar),
		mpb.PrependDecorators(decor.Name(name, decor.WC{W: p.width.name, C: decor.DindentRight})),
		mpb.AppendDecorators(decor.Any(func(s decor.Statistics) string { return " " + notes(s) })),
	)}
}

func (b bar) set(current int64) {
	if b.bar != nil {
		b.bar.SetCurrent(current)
	}
}

// end leaves the line as it was last drawn.
func (b bar) end() {
	if b.bar != nil {
		b.bar.Abort(false)
		b.bar.Wait()
	}
}

// close ends the drawing; all lines have ended.
func (p *progress) close() {
	if p.bars != nil {
		p.bars.Wait()
	}
}

// say writes a line above the bars.
func (p *progress) say(t *terminal, line string) {
	if p.bars == nil {
		t.say("%s", line)
		return
	}
	if _, err := p.bars.Write([]byte(line + "\n")); err != nil {
		t.say("%s", line) // the drawing has ended
	}
}
