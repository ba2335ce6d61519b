package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// onInterrupts gives a context that ends at the first interrupt or request to
// terminate, and one that ends at the second. After that the system's own
// behaviour is back, so that a third ends the process whatever it does.
func onInterrupts(parent context.Context) (first, second context.Context, stop func()) {
	first, endFirst := context.WithCancel(parent)
	second, endSecond := context.WithCancel(context.WithoutCancel(parent))
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for _, end := range []context.CancelFunc{endFirst, endSecond} {
			select {
			case <-signals:
				end()
			case <-done:
				return
			}
		}
		signal.Stop(signals)
	}()
	return first, second, func() {
		signal.Stop(signals)
		close(done)
		<-ended
		endFirst()
		endSecond()
	}
}
