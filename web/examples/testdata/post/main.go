package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

// Its id makes a repetition harmless: Labhook accepts the event once.
const event = `{"id": "exam-4711-scored", "type": "lab.scored", "consumer": "contoso",
	"data": {"Id": 998592321, "UserId": 5023932, "ExamPassed": true, "ExamScore": 9}}`

var client = &http.Client{Timeout: 30 * time.Second}

// post posts an event once. again says whether it makes sense to try again after an error.
func post(event string) (again bool, err error) {
	req, err := http.NewRequest(http.MethodPost, os.Getenv("LABHOOK_URL")+"/api/v1/events", bytes.NewBufferString(event))
	if err != nil {
		return false, err
	}
	req.Header.Set("Authorization", "Bearer "+os.Getenv("LABHOOK_KEY"))
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return true, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return true, err
	}
	if res.StatusCode != http.StatusAccepted { // 202: it is on disk
		return res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500, fmt.Errorf("%s: %s", res.Status, answer)
	}
	fmt.Printf("%s", answer)
	return false, nil
}

func main() {
	again, err := post(event)
	for wait := time.Second; err != nil && again && wait < time.Minute; wait *= 2 {
		time.Sleep(wait)
		again, err = post(event)
	}
	if err != nil {
		log.Fatal(err)
	}
}
