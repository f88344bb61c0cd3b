package forward

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/singleflight"
)

// Who asks while a question is on its way is told what a later one was answered; all who
// wait share that one.
func TestShareFreshBeginsAfterTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var group singleflight.Group
		asked, answers := 0, make(chan int, 10)
		ask := func(context.Context) (int, error) {
			asked++
			answer := asked // what is true when the question begins
			time.Sleep(time.Second)
			return answer, nil
		}
		begin := func() {
			go func() {
				answer, err := shareFresh(t.Context(), &group, "position", ask)
				if err != nil {
					t.Error(err)
				}
				answers <- answer
			}()
			time.Sleep(100 * time.Millisecond)
		}
		begin()
		for range 3 {
			begin()
		}
		for i, want := range []int{1, 2, 2, 2} {
			if got := <-answers; got != want {
				t.Errorf("asker %d was told %d, want %d", i+1, got, want)
			}
		}
		if asked != 2 {
			t.Errorf("%d questions were asked, want 2", asked)
		}
	})
}
