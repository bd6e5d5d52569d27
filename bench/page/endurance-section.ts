import type { EnduranceFigures } from "../parts/endurance.ts";
import { goal, number } from "./markdown.ts";
import type { Section } from "./section.ts";

export function enduranceSection(figures: EnduranceFigures): Section {
  const { logins, newPeople, otherRequests, seconds, failures, said } = figures;
  const failed = Object.entries(failures);
  const total = failed.reduce((sum, [, count]) => sum + count, 0);
  return {
    markdown: [
      "## Endurance",
      `${number(logins)} logins in one run of ${number(seconds / 60, 1)} minutes, ${number(newPeople)} of them by people who were new, ${number(logins / seconds)} a second; beside them ${number(otherRequests)} requests for pages, sessions and people's own pages, and logouts. A login took ${number(figures.medianLatency)} ms in the median and ${number(figures.p99Latency)} ms at the 99th percentile, start, provider and callback together, 16 browsers at a time.`,
      `workerd had ${number(figures.openFiles)} files open at most, of ${number(figures.openFilesLimit)} that it may have: three for each Durable Object that was used within the last ten seconds or so. At that limit storage answers \`SQLITE_CANTOPEN\`, and a login 503. In the end it held ${number(figures.resident / 2 ** 20)} MiB.`,
      ...failed.map(([what, count]) => `- ${number(count)} times: ${what}`),
      ...(said.length > 0
        ? [`The worker's own words at the first:\n\n\`\`\`\n${said.join("\n")}\n\`\`\``]
        : []),
    ].join("\n\n"),
    charts: [],
    goals: [
      goal(
        `${number(logins)} logins in one run without a failure`,
        total === 0,
        `${number(total)} of ${number(logins + otherRequests + total)} answers`,
      ),
    ],
  };
}
