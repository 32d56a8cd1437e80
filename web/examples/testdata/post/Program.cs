using System.Net.Http.Headers;
using System.Text;

// Its id makes a repetition harmless: Labhook accepts the event once.
const string Event = """
    {"id": "exam-4711-scored", "type": "lab.scored", "consumer": "contoso",
     "data": {"Id": 998592321, "UserId": 5023932, "ExamPassed": true, "ExamScore": 9}}
    """;

using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(30) };
client.DefaultRequestHeaders.Authorization =
    new AuthenticationHeaderValue("Bearer", Environment.GetEnvironmentVariable("LABHOOK_KEY"));
var url = Environment.GetEnvironmentVariable("LABHOOK_URL") + "/api/v1/events";

for (var wait = TimeSpan.FromSeconds(1); ; wait *= 2)
{
    string problem;
    try
    {
        using var body = new StringContent(Event, Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync(url, body);
        var text = await answer.Content.ReadAsStringAsync();
        if ((int)answer.StatusCode == 202) // it is on disk
        {
            Console.WriteLine(text);
            return 0;
        }
        problem = $"{(int)answer.StatusCode}: {text}";
        if ((int)answer.StatusCode != 429 && (int)answer.StatusCode < 500) wait = TimeSpan.MaxValue;
    }
    catch (Exception error) when (error is HttpRequestException or TaskCanceledException)
    {
        problem = error.Message; // no answer came
    }
    if (wait > TimeSpan.FromSeconds(16))
    {
        Console.Error.WriteLine(problem);
        return 1;
    }
    await Task.Delay(wait);
}
