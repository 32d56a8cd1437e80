// Its id makes a repetition harmless: Labhook accepts the event once.
const event = {
  id: "exam-4711-scored", type: "lab.scored", consumer: "contoso",
  data: { Id: 998592321, UserId: 5023932, ExamPassed: true, ExamScore: 9 },
};

async function post(event) {
  for (let wait = 1000; ; wait *= 2) {
    let problem, again;
    try {
      const answer = await fetch(`${process.env.LABHOOK_URL}/api/v1/events`, {
        method: "POST", body: JSON.stringify(event), signal: AbortSignal.timeout(30_000),
        headers: { Authorization: `Bearer ${process.env.LABHOOK_KEY}`, "Content-Type": "application/json" },
      });
      if (answer.status === 202) return await answer.json(); // it is on disk
      problem = new Error(`${answer.status}: ${await answer.text()}`);
      again = answer.status === 429 || answer.status >= 500;
    } catch (error) {
      [problem, again] = [error, true]; // no answer came
    }
    if (!again || wait > 16_000) throw problem;
    await new Promise((done) => setTimeout(done, wait));
  }
}

console.log(await post(event));
