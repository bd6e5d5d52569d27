import { inBrowser, logIn, loginAddress, PATIENCE, type Stage } from "./stage.ts";

/** A customer's login fails; staff find it by the reference that the customer reads out. */
export async function findAsStaff(stage: Stage) {
  const { heading, reference, status } = await inBrowser(stage, "phone", async (page) => {
    await page.goto(loginAddress(stage, stage.buttonPath), { timeout: PATIENCE });
    await stage.person.cancel(page);
    const textOf = (selector: string) => page.locator(selector).first().innerText();
    const [told, number] = [await textOf("h1"), await textOf(".reference code")];
    const refused = await page.goto(`${stage.site}${stage.authPath}/support`, { timeout: PATIENCE });
    return { heading: told.trim(), reference: number.trim(), status: refused?.status() ?? 0 };
  });
  const find = (device: "desktop" | "phone") =>
    inBrowser(stage, device, async (staff) => {
      await logIn(stage, staff, "Kari Nordmann", `${stage.authPath}/support`);
      const finder = staff.getByRole("searchbox");
      await finder.waitFor({ timeout: PATIENCE });
      const console = await stage.browsers.picture(staff, "console", `The console, ${device}`);
      await finder.fill(reference);
      await finder.press("Enter");
      const told = staff.getByText(heading).first();
      const isFound = await told.waitFor({ timeout: PATIENCE }).then(
        () => true,
        () => false,
      );
      const caption = `What staff see under the reference of a failed login, ${device}`;
      const found = await stage.browsers.picture(staff, "console-reference", caption);
      return { isFound, pictures: [console, found] };
    });
  const [desktop, phone] = [await find("desktop"), await find("phone")];
  return {
    /** Whether staff found the failed login by the reference on the customer's page. */
    foundByReference: desktop.isFound && phone.isFound,
    /** What the console answers a customer with. */
    customerStatus: status,
    pictures: [...desktop.pictures, ...phone.pictures],
  };
}
